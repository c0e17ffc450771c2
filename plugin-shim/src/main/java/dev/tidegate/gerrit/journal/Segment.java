package dev.tidegate.gerrit.journal;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.Arrays;

/**
 * One file of the journal: a line for each event, {@code {"seq":N,"event":…}}, numbered without a
 * gap from the number in the file's name. Not thread-safe.
 */
final class Segment implements Closeable {
  private static final String SUFFIX = ".jsonl";

  /** As many digits as any {@code long} has, so that names sort as numbers do. */
  private static final int DIGITS = 19;

  /** A stretch of a segment's file, to be read without holding any lock. */
  record Slice(Path file, int start, int end) {
    static final Slice NOTHING = new Slice(Path.of(""), 0, 0);

    byte[] read() throws IOException {
      if (start == end) {
        return new byte[0];
      }
      ByteBuffer bytes = ByteBuffer.allocate(end - start);
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
        while (bytes.hasRemaining()) {
          if (channel.read(bytes, start + bytes.position()) < 0) {
            throw new IOException(file + " is shorter than it was");
          }
        }
      }
      return bytes.array();
    }
  }

  private final Path file;
  private final long first;

  /** Where line {@code i} ends; what lies beyond the last end is not part of the journal. */
  private int[] ends;

  private int count;

  /** Open for the segment that grows, else {@code null}. */
  private FileChannel channel;

  private Segment(Path file, long first) {
    this.file = file;
    this.first = first;
  }

  /** Begins a segment whose first event will be {@code first}, in place of any unfinished one. */
  static Segment begin(Path folder, long first) throws IOException {
    String name = "%0" + DIGITS + "d" + SUFFIX;
    Segment segment = new Segment(folder.resolve(name.formatted(first)), first);
    segment.ends = new int[64];
    segment.channel =
        FileChannel.open(
            segment.file,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE);
    return segment;
  }

  /** The segment in {@code file}, unread, or {@code null} if the name is not one of a segment. */
  static Segment named(Path file) {
    String name = file.getFileName().toString();
    if (name.length() != DIGITS + SUFFIX.length() || !name.endsWith(SUFFIX)) {
      return null;
    }
    try {
      long first = Long.parseLong(name.substring(0, DIGITS));
      return first > 0 ? new Segment(file, first) : null;
    } catch (NumberFormatException e) {
      return null;
    }
  }

  /** Opens an existing segment to grow further, and cuts off what a crash left unfinished. */
  void reopen() throws IOException {
    index();
    channel = FileChannel.open(file, StandardOpenOption.WRITE);
    channel.truncate(size());
  }

  /** Adds one event. If that fails, the next one takes its number and its place in the file. */
  void append(String eventJson) throws IOException {
    ByteBuffer line = ByteBuffer.wrap((head(next()) + eventJson + "}\n").getBytes(UTF_8));
    while (line.hasRemaining()) {
      channel.write(line, size() + line.position());
    }
    addEnd(size() + line.limit());
  }

  /** Makes everything appended so far survive a loss of power. */
  void force() throws IOException {
    channel.force(false);
  }

  /**
   * The events after {@code after} up to {@code last}, at most {@code limit} and {@code maxBytes},
   * but at least one if there is one.
   */
  Slice after(long after, long last, int limit, int maxBytes) throws IOException {
    index();
    int from = Math.clamp(after + 1 - first, 0, count);
    int to = Math.clamp(last + 1 - first, from, (int) Math.min(count, (long) from + limit));
    int start = from == 0 ? 0 : ends[from - 1];
    while (to > from + 1 && ends[to - 1] - start > maxBytes) {
      to--;
    }
    return new Slice(file, start, to == 0 ? 0 : ends[to - 1]);
  }

  /** What {@link #force} acts on, for who can't hold a lock for so long. */
  FileChannel channel() {
    return channel;
  }

  /** The number of its first event. */
  long first() {
    return first;
  }

  /** The number that the event after its last one has. */
  long next() {
    return first + count;
  }

  /** Bytes of whole events. */
  int size() {
    return count == 0 ? 0 : ends[count - 1];
  }

  Instant lastWritten() throws IOException {
    return Files.getLastModifiedTime(file).toInstant();
  }

  void delete() throws IOException {
    close();
    Files.deleteIfExists(file);
  }

  @Override
  public void close() throws IOException {
    if (channel != null) {
      channel.close();
      channel = null;
    }
  }

  /** Finds the lines, once. Ends at the first one that isn't whole or has not its number. */
  private void index() throws IOException {
    if (ends != null) {
      return;
    }
    byte[] bytes = Files.readAllBytes(file);
    ends = new int[64];
    int start = 0;
    for (int i = 0; i < bytes.length; i++) {
      if (bytes[i] == '\n') {
        if (!isEvent(bytes, start, i)) {
          return;
        }
        start = i + 1;
        addEnd(start);
      }
    }
  }

  private boolean isEvent(byte[] bytes, int start, int end) {
    byte[] head = head(next()).getBytes(UTF_8);
    return end - start > head.length
        && Arrays.equals(bytes, start, start + head.length, head, 0, head.length)
        && bytes[end - 1] == '}';
  }

  private void addEnd(int end) {
    if (count == ends.length) {
      ends = Arrays.copyOf(ends, count * 2);
    }
    ends[count++] = end;
  }

  private static String head(long seq) {
    return "{\"seq\":" + seq + ",\"event\":";
  }
}
