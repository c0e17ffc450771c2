package dev.tidegate.core;

/**
 * Whether the core may be used in this JVM.
 *
 * @param good whether it may
 * @param rightCases how many known cases came out right
 * @param detail what is wrong, or {@code "ok"}
 */
public record Health(boolean good, int rightCases, String detail) {
  static Health good(int rightCases) {
    return new Health(true, rightCases, "ok");
  }

  static Health bad(String detail) {
    return new Health(false, 0, detail);
  }
}
