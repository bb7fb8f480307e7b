import { defineErrors, type ErrorKind } from "../../../base/errors.ts";

/** Error kinds of the runner's rights in the cluster. */
export const RIGHTS_ERRORS: {
  readonly RightMissing: ErrorKind<"RightMissing">;
  readonly RightsUnknown: ErrorKind<"RightsUnknown">;
} = defineErrors({
  RightMissing: {
    retryable: false,
    advice: "Apply what hybrid-runner rbac prints; docs/rbac.md says what each right is for",
  },
  RightsUnknown: {
    retryable: true,
    advice: "Check that the API server can be reached; every identity may ask for its own rights by default",
  },
});
