package dev.tidegate.gerrit.journal;

import com.google.common.flogger.FluentLogger;
import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;

/**
 * Numbered events on disk.
 *
 * <p><b>Durability.</b> {@link #append} writes to the file before it returns, so that no end of the
 * JVM loses an event. A thread of its own then forces what was written to the disk, many events at
 * once, and only after that they are handed out. So a loss of power may lose the newest events, but
 * never one that a follower has seen, and a number never comes to mean another event.
 *
 * <p>The folder is opened by the first use, not at the plugin's start: during a hot reload the
 * plugin's older self still holds it then.
 */
final class Journal implements Closeable {
  private static final FluentLogger logger = FluentLogger.forEnclosingClass();

  /**
   * Most followers that wait at once. Each one holds a thread of the web server, which has 25 of
   * them unless told otherwise; one host needs one.
   */
  static final int WAITERS = 4;

  /**
   * A hot reload stops the older plugin within moments of the first event that the new one gets.
   */
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  /** After a failure to open, events are dropped for this long instead of delaying each request. */
  private static final Duration REST_AFTER_FAILURE = Duration.ofMinutes(1);

  /** Pause after a failure to force, so that a full disk doesn't fill the log as well. */
  private static final long RETRY_FORCE_SECONDS = 1;

  private final Path folder;
  private final JournalLimits limits;
  private final Semaphore waiters = new Semaphore(WAITERS);

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition written = lock.newCondition();
  private final Condition forced = lock.newCondition();

  // All guarded by `lock`.
  private final List<Segment> segments = new ArrayList<>();
  private FolderLock folderLock;
  private String id;
  private long durable;
  private boolean closed;
  private Instant restUntil = Instant.MIN;

  Journal(Path folder, JournalLimits limits) {
    this.folder = folder;
    this.limits = limits;
  }

  /** Adds an event, given as one line of JSON. */
  void append(String eventJson) throws IOException {
    lock.lock();
    try {
      open();
      if (segments.getLast().size() >= limits.segmentBytes()) {
        rotate();
      }
      segments.getLast().append(eventJson);
      written.signal();
    } finally {
      lock.unlock();
    }
  }

  /**
   * The events after the number {@code after}. If there is none yet, waits for the first one; but
   * not if {@link #WAITERS} others wait already, nor for a number that isn't next.
   */
  Page after(long after, int limit, Duration wait) throws IOException, InterruptedException {
    boolean mayWait = !wait.isZero() && waiters.tryAcquire();
    try {
      if (mayWait) {
        await(after, wait);
      }
      return read(after, limit);
    } finally {
      if (mayWait) {
        waiters.release();
      }
    }
  }

  /** The page without events: who the journal is, and what it has. */
  Page state() throws IOException {
    lock.lock();
    try {
      return openState();
    } finally {
      lock.unlock();
    }
  }

  /** Forces what was written, lets go of the folder, and answers whoever waits. */
  @Override
  public void close() throws IOException {
    lock.lock();
    try {
      closed = true;
      written.signalAll();
      forced.signalAll();
      if (folderLock != null) {
        closeLast();
      }
    } finally {
      lock.unlock();
    }
  }

  private void closeLast() throws IOException {
    Segment last = segments.getLast();
    try {
      last.force();
      durable = last.next() - 1;
    } finally {
      last.close();
      folderLock.close();
      folderLock = null;
    }
  }

  private void await(long after, Duration wait) throws IOException, InterruptedException {
    long left = wait.toNanos();
    lock.lockInterruptibly();
    try {
      openState();
      while (left > 0 && !closed && durable == after) {
        left = forced.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }

  private Page read(long after, int limit) throws IOException {
    while (true) {
      Page page;
      Segment.Slice slice;
      lock.lock();
      try {
        page = openState();
        slice = slice(after, page.last(), limit);
      } finally {
        lock.unlock();
      }
      try {
        return page.with(slice.read());
      } catch (NoSuchFileException e) {
        // Pruned meanwhile: what is oldest now comes next.
        logger.atFine().withCause(e).log("segment pruned while it was read");
      }
    }
  }

  private Page openState() throws IOException {
    // A closed journal still answers those who waited, with what it had.
    if (!closed || id == null) {
      open();
    }
    long first = segments.getFirst().first();
    return new Page(id, first, Math.max(durable, first - 1), new byte[0]);
  }

  /** The first stretch of events after {@code after}; it never spans two segments. */
  private Segment.Slice slice(long after, long last, int limit) throws IOException {
    for (int i = 0; after < last && i < segments.size(); i++) {
      boolean pastIt = i + 1 < segments.size() && segments.get(i + 1).first() - 1 <= after;
      if (!pastIt) {
        Segment.Slice slice = segments.get(i).after(after, last, limit, limits.answerBytes());
        if (slice.start() < slice.end()) {
          return slice;
        }
      }
    }
    return Segment.Slice.NOTHING;
  }

  private void open() throws IOException {
    if (closed) {
      throw new IOException("the journal is closed");
    }
    if (folderLock != null) {
      return;
    }
    if (Instant.now().isBefore(restUntil)) {
      throw new IOException("the journal in " + folder + " could not be opened a moment ago");
    }
    try {
      Files.createDirectories(folder);
      FolderLock taken = FolderLock.take(folder, PATIENCE);
      try {
        load();
      } catch (IOException e) {
        taken.close();
        throw e;
      }
      folderLock = taken;
    } catch (IOException e) {
      restUntil = Instant.now().plus(REST_AFTER_FAILURE);
      throw e;
    }
    Thread forcer = new Thread(this::forceForEver, "tidegate-journal");
    forcer.setDaemon(true);
    forcer.start();
  }

  private void load() throws IOException {
    segments.clear();
    List<Segment> found;
    try (Stream<Path> files = Files.list(folder)) {
      found =
          files
              .map(Segment::named)
              .filter(Objects::nonNull)
              .sorted(Comparator.comparingLong(Segment::first))
              .toList();
    }
    id = JournalId.of(folder, !found.isEmpty());
    segments.addAll(found);
    if (found.isEmpty()) {
      segments.add(Segment.begin(folder, 1));
    } else {
      segments.getLast().reopen();
    }
    segments.getLast().force();
    durable = segments.getLast().next() - 1;
    prune();
  }

  private void rotate() throws IOException {
    Segment full = segments.getLast();
    full.force();
    Segment next = Segment.begin(folder, full.next());
    full.close();
    segments.add(next);
    prune();
  }

  private void prune() throws IOException {
    Instant oldest = Instant.now().minus(limits.age());
    while (segments.size() > 1
        && (segments.size() > limits.segments()
            || segments.getFirst().lastWritten().isBefore(oldest))) {
      segments.remove(0).delete();
    }
  }

  private void forceForEver() {
    lock.lock();
    try {
      while (!closed) {
        Segment last = segments.getLast();
        long upTo = last.next() - 1;
        if (upTo == durable) {
          written.awaitUninterruptibly();
          continue;
        }
        FileChannel channel = last.channel();
        lock.unlock();
        boolean done;
        try {
          done = tryForce(channel);
        } finally {
          lock.lock();
        }
        if (done) {
          durable = Math.max(durable, upTo);
          forced.signalAll();
        } else {
          written.await(RETRY_FORCE_SECONDS, TimeUnit.SECONDS);
        }
      }
    } catch (InterruptedException e) {
      // Nobody interrupts this thread; if somebody does, the next event's reader finds out.
      logger.atSevere().withCause(e).log("the journal's thread was interrupted");
    } finally {
      lock.unlock();
    }
  }

  private static boolean tryForce(FileChannel channel) {
    try {
      channel.force(false);
      return true;
    } catch (ClosedChannelException e) {
      // Rotated or closed meanwhile, which forces first.
      return true;
    } catch (IOException e) {
      logger.atSevere().withCause(e).log("events could not be forced to disk; trying again");
      return false;
    }
  }
}
