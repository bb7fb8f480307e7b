import type { ServiceRecord } from "../store/store.ts";
import { changeService } from "./change-service.ts";
import type { ApiDependencies } from "./dependencies.ts";
import { inApi } from "./instants.ts";
import { notFound } from "./read-request.ts";
import { remarked, remarksOn, runnerRemarks } from "./remarks.ts";
import type { Handlers } from "./serve-route.ts";

/** Serves the routes of services. */
export function serviceHandlers(
  deps: ApiDependencies,
): Handlers<"listServices" | "getService" | "createService" | "patchService" | "deleteService"> {
  const { store, sessions, clock } = deps;
  const find = async (serviceId: string): Promise<ServiceRecord> => {
    const service = await store.findService(serviceId);
    if (service === undefined) throw notFound(store, "service", serviceId);
    return service;
  };

  return {
    listServices: async ({ query: { after, ...rest } }) => {
      const services = await store.listServices({ ...rest, ...(after === undefined ? {} : { afterName: after }) });
      const last = services.length === rest.limit ? services.at(-1) : undefined;
      return { services: services.map(inApi), ...(last === undefined ? {} : { nextAfter: last.name }) };
    },
    getService: async ({ id }) => inApi(await find(id)),
    createService: async ({ body }) => {
      const warnings = remarksOn({ connection: body.connection });
      const service: ServiceRecord = { ...body, serviceId: crypto.randomUUID(), createdAt: clock.now() };
      await store.addService(service);
      sessions.wake(service.runnerId);
      return remarked(inApi(service), [...warnings, ...(await runnerRemarks(store, service.runnerId))]);
    },
    patchService: async ({ id, body, ifMatch }) => {
      const service = await changeService(deps, id, body, ifMatch);
      const warnings = [
        ...remarksOn({ connection: service.connection }),
        ...(await runnerRemarks(store, service.runnerId)),
      ];
      return remarked(inApi(service), warnings);
    },
    deleteService: async ({ id }) => {
      const service = await find(id);
      await store.deleteService(service.serviceId);
      sessions.wake(service.runnerId);
      return inApi(service);
    },
  };
}
