/** What an operation is about to do, as far as a customer may want to forbid it. */
export interface PolicyQuestion {
  /** Message type of the operation. */
  readonly operation: string;
  readonly pipelineId?: string;
  readonly pipelineType?: string;
}

/** Yes, or no with a sentence for the person who asked. */
export type PolicyAnswer = { readonly allowed: true } | { readonly allowed: false; readonly reason: string };

/** What the customer's side allows. Asked once for every operation that comes from the gateway, before anything is done. */
export interface Policy {
  check(question: PolicyQuestion): PolicyAnswer;
}

/** Allows everything: the policy as long as the customer has written none. */
export const openPolicy: Policy = { check: () => ({ allowed: true }) };
