/** What the keys of our labels and annotations begin with, in a cluster (ADR 0021). */
export const KEY_PREFIX = "hybrid-runner/";
