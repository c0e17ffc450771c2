package dev.tidegate.core;

/**
 * The core answered {@code err}: it did not understand its input, and decided nothing. Unlike its
 * parent this is an answer, and the same on every host.
 */
public final class CoreRefusedException extends CoreException {
  private static final long serialVersionUID = 1L;

  public CoreRefusedException(String message) {
    super(message);
  }
}
