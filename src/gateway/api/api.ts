import { Hono } from "hono";
import { CodedError } from "../../base/errors.ts";
import { peerAddress } from "../../runtime/http.ts";
import { verifyAdminToken } from "../auth/admin-token.ts";
import { bearerToken } from "../auth/bearer.ts";
import type { ApiDependencies, ApiEnvironment } from "./dependencies.ts";
import { errorResponse } from "./error-response.ts";
import { API_ERRORS } from "./errors.ts";
import { liveRunHandlers } from "./live-runs.ts";
import { createLogProofs } from "./log-proof.ts";
import { openApiDocument } from "./openapi.ts";
import { pipelineHandlers } from "./pipelines.ts";
import { runnerHandlers } from "./runners.ts";
import { runHandlers } from "./runs.ts";
import { serveRoutes } from "./serve-route.ts";
import { serviceHandlers } from "./services.ts";
import { tokenHandlers } from "./tokens.ts";

/** The gateway's HTTP side: `/healthz`, and `/api/v1/…` for whoever has the admin token. */
export function createApi(deps: ApiDependencies): Hono<ApiEnvironment> {
  const app = new Hono<ApiEnvironment>();
  const proofOf = createLogProofs(deps.store);
  app.use("/api/*", async (c, next) => {
    c.header("Cache-Control", "no-store");
    authenticate(deps, peerAddress(c.env.incoming), c.req.header("authorization"));
    await next();
  });
  serveRoutes(app, {
    getHealth: () => ({ status: "ok" }),
    getOpenApi: openApiDocument,
    ...runnerHandlers(deps),
    ...tokenHandlers(deps),
    ...serviceHandlers(deps),
    ...pipelineHandlers(deps),
    ...runHandlers(deps, proofOf),
    ...liveRunHandlers(deps, proofOf),
  });
  app.notFound(() =>
    errorResponse(
      new CodedError(API_ERRORS.NotFound, "Cannot find the page: there is no such route", {
        advice: "GET /api/v1/openapi.json has every route, with its methods and bodies",
      }),
      deps.log,
    ),
  );
  app.onError((error) => errorResponse(error, deps.log));
  return app;
}

/** The right token is let in whatever others behind the same address did (a proxy's, for one); its length keeps it from being guessed. */
function authenticate({ adminToken, failures }: ApiDependencies, address: string, header: string | undefined): void {
  try {
    verifyAdminToken(adminToken, bearerToken(header));
  } catch (error) {
    failures.refuse(address, error);
  }
}
