import type { JsonObject } from "../../protocol/messages.ts";
import type { Nothing, Route, StreamRoute } from "./route.ts";
import type {
  LogQuery,
  PipelineListQuery,
  PipelinePatch,
  PipelineWish,
  RunListQuery,
  RunWish,
  ServiceContent,
  ServiceListQuery,
  ServiceWish,
  ToggleWish,
  TokenRequest,
} from "./schemas.ts";
import type {
  IssuedTokenView,
  ListedRunView,
  LogPageView,
  OrderedRunView,
  PipelineView,
  RunnerView,
  RunView,
  ServiceView,
  TokenView,
} from "./views.ts";

/** Every route of the gateway by name, with the types of its parts. */
export interface ApiRoutes {
  readonly getHealth: Route<Nothing, Nothing, { readonly status: "ok" }>;
  readonly getOpenApi: Route<Nothing, Nothing, JsonObject>;
  readonly listRunners: Route<Nothing, Nothing, { readonly runners: readonly RunnerView[] }>;
  readonly getRunner: Route<Nothing, Nothing, RunnerView>;
  readonly getRunnerStatus: Route<Nothing, Nothing, RunnerStatusView>;
  readonly rebindRunner: Route<Nothing, Nothing, RunnerView>;
  readonly retireRunner: Route<Nothing, Nothing, RunnerView>;
  readonly deleteRunner: Route<Nothing, { readonly force: boolean }, RunnerView>;
  readonly listTokens: Route<Nothing, { readonly runnerId?: string }, { readonly tokens: readonly TokenView[] }>;
  readonly createToken: Route<TokenRequest, Nothing, IssuedTokenView>;
  readonly revokeToken: Route<Nothing, Nothing, TokenView>;
  readonly listServices: Route<Nothing, ServiceListQuery, ServicePage>;
  readonly getService: Route<Nothing, Nothing, ServiceView>;
  readonly createService: Route<ServiceWish, Nothing, ServiceView>;
  readonly patchService: Route<Partial<ServiceContent>, Nothing, ServiceView>;
  readonly deleteService: Route<Nothing, Nothing, ServiceView>;
  readonly listPipelines: Route<Nothing, PipelineListQuery, PipelinePage>;
  readonly getPipeline: Route<Nothing, Nothing, PipelineView>;
  readonly createPipeline: Route<PipelineWish, Nothing, PipelineView>;
  readonly patchPipeline: Route<PipelinePatch, Nothing, PipelineView>;
  readonly deletePipeline: Route<Nothing, Nothing, PipelineView>;
  readonly deployPipeline: Route<Nothing, Nothing, PipelineView>;
  readonly togglePipeline: Route<ToggleWish, Nothing, PipelineView>;
  readonly runPipeline: Route<RunWish, Nothing, OrderedRunView>;
  readonly stopPipeline: Route<Nothing, Nothing, StoppedPipeline>;
  readonly listRuns: Route<Nothing, RunListQuery, RunPage>;
  readonly getRun: Route<Nothing, Nothing, RunView>;
  readonly stopRun: Route<Nothing, Nothing, { readonly run: RunView }>;
  readonly getRunLog: Route<Nothing, LogQuery, LogPageView>;
  readonly followRun: StreamRoute<{ readonly after?: number }>;
}

/** What becomes of the runs of a pipeline that shall stop. */
export interface StoppedPipeline {
  readonly runs: readonly string[];
  readonly told: boolean;
}

/** Whether a runner's executor could run something now. */
export interface RunnerStatusView {
  readonly healthy: boolean;
  readonly message: string;
}

/** A page of services; `nextAfter` only when there may be more. */
export interface ServicePage {
  readonly services: readonly ServiceView[];
  readonly nextAfter?: string;
}

/** A page of pipelines; `nextAfter` only when there may be more. */
export interface PipelinePage {
  readonly pipelines: readonly PipelineView[];
  readonly nextAfter?: string;
}

/** A page of runs; `nextBefore` only when there may be more. */
export interface RunPage {
  readonly runs: readonly ListedRunView[];
  readonly nextBefore?: string;
}
