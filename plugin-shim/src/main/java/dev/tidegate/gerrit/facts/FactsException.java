package dev.tidegate.gerrit.facts;

/** The facts could not be read. The message says which and why, in words for people. */
public final class FactsException extends Exception {
  private static final long serialVersionUID = 1L;

  public FactsException(String message) {
    super(message);
  }

  public FactsException(String message, Throwable cause) {
    super(message + ": " + cause.getMessage(), cause);
  }
}
