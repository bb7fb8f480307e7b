import { z } from "zod";
import { JSON_OBJECT } from "../../protocol/shapes.ts";
import { GATEWAY_ERRORS } from "../errors.ts";
import type { ApiRoutes } from "./api-routes.ts";
import { pipelineTag, serviceTag } from "./entity-tags.ts";
import { API_ERRORS } from "./errors.ts";
import { change, patch, read, remove } from "./make-route.ts";
import {
  EVENTS_QUERY,
  FORCE_QUERY,
  LOG_QUERY,
  PIPELINE_LIST_QUERY,
  PIPELINE_PATCH,
  PIPELINE_WISH,
  RUN_LIST_QUERY,
  RUN_WISH,
  SERVICE_LIST_QUERY,
  SERVICE_PATCH,
  SERVICE_WISH,
  TOGGLE_WISH,
  TOKEN_LIST_QUERY,
  TOKEN_REQUEST,
} from "./schemas.ts";
import {
  ISSUED_TOKEN_VIEW,
  LISTED_RUN_VIEW,
  LOG_PAGE_VIEW,
  ORDERED_RUN_VIEW,
  PIPELINE_VIEW,
  RUN_EVENTS,
  RUN_VIEW,
  RUNNER_VIEW,
  SERVICE_VIEW,
  TOKEN_VIEW,
} from "./views.ts";

export type { ApiRoutes };

const { NotFound, PreconditionFailed, ChangedMeanwhile, PipelineNotDeployed, TooManyStreams } = API_ERRORS;
const { NameTaken, ServiceInUse, RunnerInUse, PipelineTooLarge, RunnerNotConnected, RunnerBusy, VerdictTimedOut } =
  GATEWAY_ERRORS;
const nextAfter = z.string().exactOptional().describe("present when there may be more: the next page's `after`");

const PATCHED =
  "The body is a JSON merge patch (RFC 7396): objects are merged, null removes, all else replaces. With If-Match it is done only if the ETag is still that one; without, it is done to what is there.";

/** The routes. Which handler serves each is in api.ts; docs/openapi.json is made from here. */
export const API_ROUTES: ApiRoutes = {
  getHealth: {
    ...read("/healthz", "Tells that the gateway serves requests", z.strictObject({ status: z.literal("ok") })),
    open: true,
  },
  getOpenApi: read("/api/v1/openapi.json", "Answers this document", JSON_OBJECT),

  listRunners: read("/api/v1/runners", "Lists the runners", z.strictObject({ runners: z.array(RUNNER_VIEW) })),
  getRunner: { ...read("/api/v1/runners/{runnerId}", "Answers one runner", RUNNER_VIEW), errors: [NotFound] },
  getRunnerStatus: {
    ...read(
      "/api/v1/runners/{runnerId}/status",
      "Asks a runner whether its executor can run something now",
      z.strictObject({ healthy: z.boolean(), message: z.string() }),
    ),
    errors: [NotFound, RunnerNotConnected, RunnerBusy, VerdictTimedOut],
  },
  rebindRunner: change("/api/v1/runners/{runnerId}/rebind", "Lets another installation take this runner id", {
    status: 200,
    answer: RUNNER_VIEW,
    errors: [NotFound],
  }),

  retireRunner: {
    ...change("/api/v1/runners/{runnerId}/retire", "Takes a runner out of service for good", {
      status: 200,
      answer: RUNNER_VIEW,
      errors: [NotFound],
    }),
    description:
      "Its session is closed with `retired`, its tokens are revoked, and it is refused whenever it dials. Its open runs end as `failed`, with the category `Lost` where it had them; what it holds stays on its side. To let the id be used again, delete the runner.",
  },
  deleteRunner: {
    ...remove("/api/v1/runners/{runnerId}", "Forgets a runner", RUNNER_VIEW, [NotFound, RunnerInUse]),
    description:
      "Its tokens are revoked and its session is closed. Refused while services, pipelines or open runs name it, unless `force` is true: services and pipelines stay, and wait for a runner of this id; open runs end as `failed`.",
    query: FORCE_QUERY,
  },

  listTokens: {
    ...read(
      "/api/v1/tokens",
      "Lists the runner tokens, without the tokens",
      z.strictObject({ tokens: z.array(TOKEN_VIEW) }),
    ),
    query: TOKEN_LIST_QUERY,
  },
  createToken: {
    ...change("/api/v1/tokens", "Issues a runner token", { status: 201, answer: ISSUED_TOKEN_VIEW, errors: [] }),
    description: "The token is shown in this answer and never again; only its hash is kept.",
    body: TOKEN_REQUEST,
  },
  revokeToken: {
    ...remove("/api/v1/tokens/{tokenId}", "Revokes a runner token", TOKEN_VIEW, [NotFound]),
    description: "It stays in the list. The time of the first revocation stands.",
  },

  listServices: {
    ...read(
      "/api/v1/services",
      "Lists the services by name",
      z.strictObject({ services: z.array(SERVICE_VIEW), nextAfter }),
    ),
    query: SERVICE_LIST_QUERY,
  },
  getService: {
    ...read("/api/v1/services/{serviceId}", "Answers one service", SERVICE_VIEW),
    etag: serviceTag,
    errors: [NotFound],
  },
  patchService: {
    ...patch("/api/v1/services/{serviceId}", "Changes a service", SERVICE_VIEW),
    description: `${PATCHED} Its name and its runner stay. Every deployed pipeline of it that this changes gets a new generation, which its runner is sent.`,
    body: SERVICE_PATCH,
    etag: serviceTag,
    errors: [NotFound, PreconditionFailed, PipelineTooLarge, ChangedMeanwhile],
  },
  createService: {
    ...change("/api/v1/services", "Registers a service", { status: 201, answer: SERVICE_VIEW, errors: [NameTaken] }),
    body: SERVICE_WISH,
  },
  deleteService: remove("/api/v1/services/{serviceId}", "Deletes a service without pipelines", SERVICE_VIEW, [
    NotFound,
    ServiceInUse,
  ]),

  listPipelines: {
    ...read(
      "/api/v1/pipelines",
      "Lists the pipelines by their full names",
      z.strictObject({ pipelines: z.array(PIPELINE_VIEW), nextAfter }),
    ),
    query: PIPELINE_LIST_QUERY,
  },
  getPipeline: {
    ...read("/api/v1/pipelines/{pipelineId}", "Answers one pipeline", PIPELINE_VIEW),
    etag: pipelineTag,
    errors: [NotFound],
  },
  patchPipeline: {
    ...patch("/api/v1/pipelines/{pipelineId}", "Changes a pipeline", PIPELINE_VIEW),
    description: `${PATCHED} Its name, service and type stay. It is a new generation, which its runner is sent if the pipeline is deployed; what changes nothing leaves generation and ETag as they are.`,
    body: PIPELINE_PATCH,
    etag: pipelineTag,
    errors: [NotFound, PreconditionFailed, PipelineTooLarge, ChangedMeanwhile],
  },
  createPipeline: {
    ...change("/api/v1/pipelines", "Makes a pipeline, not deployed yet", {
      status: 201,
      answer: PIPELINE_VIEW,
      errors: [NotFound, NameTaken],
    }),
    body: PIPELINE_WISH,
  },
  deletePipeline: {
    ...remove("/api/v1/pipelines/{pipelineId}", "Deletes a pipeline, on its runner too", PIPELINE_VIEW, [
      NotFound,
      ChangedMeanwhile,
    ]),
    description: "Its open runs are stopped. A second delete answers like the first.",
  },
  deployPipeline: {
    ...change("/api/v1/pipelines/{pipelineId}/deploy", "Deploys a pipeline to its runner", {
      status: 200,
      answer: PIPELINE_VIEW,
      errors: [NotFound, PipelineTooLarge, ChangedMeanwhile],
    }),
    description: "Each time as a new generation, so that the runner is sent it again.",
  },
  togglePipeline: {
    ...change("/api/v1/pipelines/{pipelineId}/toggle", "Switches a pipeline's schedule on or off", {
      status: 200,
      answer: PIPELINE_VIEW,
      errors: [NotFound, PipelineTooLarge, ChangedMeanwhile],
    }),
    body: TOGGLE_WISH,
  },
  runPipeline: {
    ...change("/api/v1/pipelines/{pipelineId}/run", "Orders a run", {
      status: 202,
      answer: ORDERED_RUN_VIEW,
      errors: [NotFound, PipelineNotDeployed],
    }),
    description: "The run waits for its runner until its `startDeadline`.",
    body: RUN_WISH,
  },
  stopPipeline: change("/api/v1/pipelines/{pipelineId}/stop", "Stops all open runs of a pipeline", {
    status: 202,
    answer: z.strictObject({
      runs: z.array(z.uuid()).describe("known here and to be stopped, at once or when the runner is there"),
      told: z
        .boolean()
        .describe(
          "true: the runner stops those too that this gateway doesn't know of yet, and forgets a scheduled one that waits for a place",
        ),
    }),
    errors: [NotFound],
  }),

  listRuns: {
    ...read(
      "/api/v1/runs",
      "Lists runs, newest first; their failures without `logTail` and `events`, which the run itself has",
      z.strictObject({
        runs: z.array(LISTED_RUN_VIEW),
        nextBefore: z.uuid().exactOptional().describe("present when there may be more: the next page's `before`"),
      }),
    ),
    query: RUN_LIST_QUERY,
    lists: ["state"],
  },
  getRun: { ...read("/api/v1/runs/{runId}", "Answers one run", RUN_VIEW), errors: [NotFound] },
  stopRun: change("/api/v1/runs/{runId}/stop", "Stops a run", {
    status: 202,
    answer: z.strictObject({ run: RUN_VIEW }),
    errors: [NotFound],
  }),
  getRunLog: {
    ...read("/api/v1/runs/{runId}/logs", "Answers a page of a run's log", LOG_PAGE_VIEW),
    query: LOG_QUERY,
    errors: [NotFound],
  },
  followRun: {
    method: "GET",
    path: "/api/v1/runs/{runId}/events",
    summary: "Tells a run's states and log as they come, as server-sent events",
    description: "Ends after the event `end`. The id of a `log` event is where the next one begins (Last-Event-ID).",
    query: EVENTS_QUERY,
    events: RUN_EVENTS,
    errors: [NotFound, TooManyStreams],
  },
};
