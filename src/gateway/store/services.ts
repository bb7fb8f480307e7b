import type { Kysely } from "kysely";
import { CodedError } from "../../base/errors.ts";
import { GATEWAY_ERRORS } from "../errors.ts";
import { serviceRecord, serviceRow } from "./rows.ts";
import type { Store } from "./store.ts";
import type { Database } from "./tables.ts";

/** The part of the store that keeps services. */
export type ServiceStore = Pick<Store, "addService" | "findService" | "listServices" | "deleteService">;

/** Makes it over an open database. */
export function createServiceStore(db: Kysely<Database>): ServiceStore {
  return {
    addService: (service) =>
      db.transaction().execute(async (transaction) => {
        const taken = await transaction
          .selectFrom("service")
          .select("service_id")
          .where((field) => field.or([field("name", "=", service.name), field("service_id", "=", service.serviceId)]))
          .executeTakeFirst();
        if (taken !== undefined) {
          throw new CodedError(
            GATEWAY_ERRORS.NameTaken,
            `Cannot add service ${JSON.stringify(service.name)}: there is one of that name or id`,
            { facts: { serviceId: taken.service_id } },
          );
        }
        await transaction.insertInto("service").values(serviceRow(service)).execute();
      }),

    async findService(serviceId) {
      const row = await db.selectFrom("service").selectAll().where("service_id", "=", serviceId).executeTakeFirst();
      return row === undefined ? undefined : serviceRecord(row);
    },

    async listServices({ runnerId, limit, afterName } = {}) {
      let select = db.selectFrom("service").selectAll().orderBy("name");
      if (runnerId !== undefined) select = select.where("runner_id", "=", runnerId);
      if (afterName !== undefined) select = select.where("name", ">", afterName);
      if (limit !== undefined) select = select.limit(limit);
      return (await select.execute()).map(serviceRecord);
    },

    deleteService: (serviceId) =>
      db.transaction().execute(async (transaction) => {
        const { pipelines } = await transaction
          .selectFrom("pipeline")
          .select((column) => column.fn.countAll<number>().as("pipelines"))
          .where("service_id", "=", serviceId)
          .where("deleted_at", "is", null)
          .executeTakeFirstOrThrow();
        if (pipelines > 0) {
          throw new CodedError(
            GATEWAY_ERRORS.ServiceInUse,
            `Cannot delete service ${serviceId}: it has ${pipelines} pipelines`,
            { facts: { serviceId, pipelines } },
          );
        }
        const { numDeletedRows } = await transaction
          .deleteFrom("service")
          .where("service_id", "=", serviceId)
          .executeTakeFirst();
        return numDeletedRows > 0n;
      }),
  };
}
