/** Repeats an assertion until it holds, at most `limitMs`; then fails with its last error. */
export async function eventually<T>(assertion: () => T | Promise<T>, limitMs = 60_000): Promise<T> {
  const end = performance.now() + limitMs;
  for (;;) {
    try {
      return await assertion();
    } catch (error) {
      if (performance.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
