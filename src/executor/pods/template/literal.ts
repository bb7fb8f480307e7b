/**
 * A text as it has to stand in a pod's command, arguments and variables so that it arrives as it is: the kubelet puts
 * variables in for `$(NAME)` there and makes one dollar of two.
 */
export function literal(text: string): string {
  return text.replaceAll("$", "$$$$");
}
