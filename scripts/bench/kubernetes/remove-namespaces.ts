/* Asks for the removal of the namespaces that are named: what a bench starts that was ended before it could do so itself. */

import { Cluster } from "./cluster.ts";

const cluster = await Cluster.open();
for (const name of process.argv.slice(2)) await cluster.askToRemove(name).catch(() => undefined);
await cluster.close();
