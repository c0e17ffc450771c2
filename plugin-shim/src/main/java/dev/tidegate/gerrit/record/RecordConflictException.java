package dev.tidegate.gerrit.record;

/** Another record lies in the ref than the one that was to be replaced. */
final class RecordConflictException extends Exception {
  private static final long serialVersionUID = 1L;

  RecordConflictException(String expected, String found) {
    super("expected %s, found %s; read the record again".formatted(expected, found));
  }
}
