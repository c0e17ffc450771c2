package dev.tidegate.gerrit.journal;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;

/**
 * Keeps two journals out of one folder. They meet at each hot reload, when Gerrit starts the new
 * plugin before it stops the old one, and would otherwise give one number to two events.
 */
final class FolderLock implements Closeable {
  private static final String NAME = "lock";
  private static final long PAUSE_MS = 10;

  private final FileChannel channel;

  private FolderLock(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * Takes the lock, waiting for whoever holds it.
   *
   * @throws IOException if it isn't free within {@code patience}
   */
  static FolderLock take(Path folder, Duration patience) throws IOException {
    FileChannel channel =
        FileChannel.open(folder.resolve(NAME), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    long giveUp = System.nanoTime() + patience.toNanos();
    try {
      while (!tryLock(channel)) {
        if (System.nanoTime() - giveUp > 0) {
          throw new IOException(
              "another journal still holds " + folder + " after " + patience.toSeconds() + " s");
        }
        Thread.sleep(PAUSE_MS);
      }
      return new FolderLock(channel);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      channel.close();
      throw new IOException("interrupted while waiting for " + folder, e);
    } catch (IOException e) {
      channel.close();
      throw e;
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }

  private static boolean tryLock(FileChannel channel) throws IOException {
    try {
      FileLock lock = channel.tryLock();
      return lock != null;
    } catch (OverlappingFileLockException e) {
      // Held by this JVM: by the plugin's older self, in another class loader.
      return false;
    }
  }
}
