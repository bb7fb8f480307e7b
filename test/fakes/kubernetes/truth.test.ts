import { describeApiServer } from "./api.contract.ts";
import { openFake } from "./fake-client.ts";
import { describeJobs } from "./jobs.contract.ts";
import { describePods } from "./pods.contract.ts";

/* The same cases run against a real cluster: test/cluster/fake-truth.test.ts. */

describeApiServer("fake cluster", openFake);
describeJobs("fake cluster", openFake);
describePods("fake cluster", openFake);
