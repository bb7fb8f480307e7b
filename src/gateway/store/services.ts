import type { Kysely, Selectable } from "kysely";
import { counted } from "../../base/counted.ts";
import { CodedError } from "../../base/errors.ts";
import { GATEWAY_ERRORS } from "../errors.ts";
import { fullPage, type RowReading } from "./readable.ts";
import { serviceRecord, serviceRow } from "./rows.ts";
import type { Store } from "./store.ts";
import type { Database, ServiceTable } from "./tables.ts";

/** The part of the store that keeps services. */
export type ServiceStore = Pick<
  Store,
  "addService" | "findService" | "changeService" | "listServices" | "deleteService"
>;

/** Makes it over an open database. */
export function createServiceStore(db: Kysely<Database>, reading: RowReading): ServiceStore {
  const read = (rows: readonly Selectable<ServiceTable>[]) => reading.all("service", rows, serviceRecord);
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
      return read(await db.selectFrom("service").selectAll().where("service_id", "=", serviceId).execute())[0];
    },

    async changeService(present, { serviceType, connection }) {
      const before = serviceRow(present);
      const rows = await db
        .updateTable("service")
        .set({ service_type: serviceType, connection_json: JSON.stringify(connection) })
        .where("service_id", "=", before.service_id)
        .where("service_type", "=", before.service_type)
        .where("connection_json", "=", before.connection_json)
        .returningAll()
        .execute();
      return read(rows)[0];
    },

    async listServices({ runnerId, limit, afterName } = {}) {
      let select = db.selectFrom("service").selectAll().orderBy("name");
      if (runnerId !== undefined) select = select.where("runner_id", "=", runnerId);
      if (limit !== undefined) select = select.limit(limit);
      const rowsFrom = (last: Selectable<ServiceTable> | undefined) => {
        const after = last?.name ?? afterName;
        return (after === undefined ? select : select.where("name", ">", after)).execute();
      };
      return fullPage(limit, rowsFrom, read);
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
            `Cannot delete service ${serviceId}: it has ${counted(pipelines, "pipeline")}`,
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
