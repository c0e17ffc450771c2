package dev.tidegate.gerrit.journal;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;

/** The journal's name for itself: a new one wherever numbers start anew. */
final class JournalId {
  private static final String NAME = "id";

  private JournalId() {}

  /**
   * The id of the journal in {@code folder}.
   *
   * @param goesOn whether there are segments, whose numbers go on; else the id is a new one
   */
  static String of(Path folder, boolean goesOn) throws IOException {
    Path file = folder.resolve(NAME);
    if (goesOn && Files.exists(file)) {
      try {
        return UUID.fromString(Files.readString(file).strip()).toString();
      } catch (IllegalArgumentException e) {
        // Damaged. With a new id followers look at everything again, which is safe.
      }
    }
    String id = UUID.randomUUID().toString();
    Path fresh = folder.resolve(NAME + ".new");
    Files.writeString(fresh, id + "\n");
    try (FileChannel channel = FileChannel.open(fresh, StandardOpenOption.WRITE)) {
      channel.force(true);
    }
    Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    return id;
  }
}
