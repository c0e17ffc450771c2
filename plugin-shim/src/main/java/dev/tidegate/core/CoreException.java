package dev.tidegate.core;

/** The core gave no answer. The message says why, in words for people. */
public class CoreException extends Exception {
  private static final long serialVersionUID = 1L;

  public CoreException(String message) {
    super(message);
  }

  public CoreException(String message, Throwable cause) {
    super(message, cause);
  }
}
