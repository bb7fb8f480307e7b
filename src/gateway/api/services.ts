import { Hono } from "hono";
import type { ServiceRecord } from "../store/store.ts";
import type { ApiDependencies, ApiEnvironment } from "./dependencies.ts";
import { notFound, pathId, readBody } from "./read-request.ts";
import { SERVICE_WISH } from "./schemas.ts";

/** Routes under `/api/v1/services`. */
export function serviceRoutes({ store, sessions, clock }: ApiDependencies): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>();
  const find = async (serviceId: string): Promise<ServiceRecord> => {
    const service = await store.findService(serviceId);
    if (service === undefined) throw notFound("service", serviceId);
    return service;
  };

  routes.get("/", async (c) => c.json({ services: await store.listServices() }));
  routes.get("/:id", async (c) => c.json(await find(pathId(c))));
  routes.post("/", async (c) => {
    const wish = await readBody(c, SERVICE_WISH);
    const service: ServiceRecord = { ...wish, serviceId: crypto.randomUUID(), createdAt: clock.now() };
    await store.addService(service);
    sessions.wake(service.runnerId);
    return c.json(service, 201);
  });
  routes.delete("/:id", async (c) => {
    const service = await find(pathId(c));
    await store.deleteService(service.serviceId);
    sessions.wake(service.runnerId);
    return c.json(service);
  });
  return routes;
}
