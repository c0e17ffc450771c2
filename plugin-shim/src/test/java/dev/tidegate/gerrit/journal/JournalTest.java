package dev.tidegate.gerrit.journal;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JournalTest {
  private static final Duration NO_WAIT = Duration.ZERO;

  /** Ends a test that would otherwise hang; none waits for so long. */
  private static final Duration LONG = Duration.ofSeconds(50);

  private static final int ALL = 1_000;

  /** Three events of {@link #event} fill a segment. */
  private static final JournalLimits SMALL =
      new JournalLimits(100, 4, Duration.ofDays(30), 1 << 20);

  @TempDir private Path folder;

  private final List<Journal> opened = new ArrayList<>();

  @AfterEach
  void close() throws IOException {
    for (Journal journal : opened) {
      journal.close();
    }
  }

  @Test
  void eventsAreNumberedFromOneInTheirOrder() throws Exception {
    Journal journal = open(JournalLimits.SERVER);
    append(journal, 3);
    assertEquals(List.of(1L, 2L, 3L), seqs(settled(journal, 0, 3)));
    assertEquals(List.of(3L), seqs(journal.after(2, ALL, NO_WAIT)));
    assertEquals(List.of(1L, 2L), seqs(journal.after(0, 2, NO_WAIT)));
  }

  @Test
  void anEmptyJournalSaysSo() throws Exception {
    Page page = open(JournalLimits.SERVER).after(0, ALL, NO_WAIT);
    assertEquals(1, page.first());
    assertEquals(0, page.last());
    assertEquals(List.of(), seqs(page));
  }

  @Test
  void aPageIsJsonWithTheEventsAsTheyWere() throws Exception {
    Journal journal = open(JournalLimits.SERVER);
    journal.append("{\"type\":\"x\",\"text\":\"line\\nfeed\"}");
    String json = new String(settled(journal, 0, 1).json("\"one\""), UTF_8);
    JsonObject page = JsonParser.parseString(json).getAsJsonObject();
    assertEquals("one", page.get("instance").getAsString());
    JsonObject event = page.getAsJsonArray("events").get(0).getAsJsonObject();
    assertEquals(
        "{\"seq\":1,\"event\":{\"type\":\"x\",\"text\":\"line\\nfeed\"}}", event.toString());
  }

  @Test
  void aRestartKeepsEventsNumbersAndId() throws Exception {
    Journal before = open(JournalLimits.SERVER);
    append(before, 2);
    String id = before.state().journal();
    before.close();
    Journal after = open(JournalLimits.SERVER);
    append(after, 1);
    assertEquals(List.of(1L, 2L, 3L), seqs(settled(after, 0, 3)));
    assertEquals(id, after.state().journal());
  }

  @Test
  void aTornLastLineIsCutOffAndItsNumberGivenAgain() throws Exception {
    Journal before = open(JournalLimits.SERVER);
    append(before, 2);
    before.close();
    Files.writeString(
        segments().getLast(), "{\"seq\":3,\"event\":{\"ty", StandardOpenOption.APPEND);
    Journal after = open(JournalLimits.SERVER);
    assertEquals(List.of(1L, 2L), seqs(after.after(0, ALL, NO_WAIT)));
    append(after, 1);
    assertEquals(List.of(3L), seqs(settled(after, 2, 3)));
    assertEquals(3, Files.readAllLines(segments().getLast()).size());
  }

  @Test
  void whatFollowsADamagedLineIsCutOff() throws Exception {
    Journal before = open(JournalLimits.SERVER);
    append(before, 3);
    before.close();
    Path file = segments().getLast();
    Files.writeString(file, Files.readString(file).replace("\"seq\":2,", "\"seq\":7,"));
    assertEquals(List.of(1L), seqs(open(JournalLimits.SERVER).after(0, ALL, NO_WAIT)));
  }

  @Test
  void aFolderThatWasEmptiedIsAnotherJournal() throws Exception {
    Journal before = open(JournalLimits.SERVER);
    append(before, 2);
    String id = before.state().journal();
    before.close();
    for (Path segment : segments()) {
      Files.delete(segment);
    }
    Page page = open(JournalLimits.SERVER).state();
    assertNotEquals(id, page.journal());
    assertEquals(1, page.first());
  }

  @Test
  void segmentsRotateAndReadOnAcrossTheirBounds() throws Exception {
    Journal journal = open(SMALL);
    append(journal, 8);
    assertEquals(3, segments().size());
    settled(journal, 7, 8);
    List<Long> read = new ArrayList<>();
    long last = 0;
    while (last < 8) {
      List<Long> page = seqs(journal.after(last, 2, NO_WAIT));
      assertFalse(page.isEmpty());
      read.addAll(page);
      last = page.getLast();
    }
    assertEquals(LongStream.rangeClosed(1, 8).boxed().toList(), read);
  }

  @Test
  void rotatedSegmentsAreReadAfterARestart() throws Exception {
    Journal before = open(SMALL);
    append(before, 8);
    before.close();
    Journal after = open(SMALL);
    assertEquals(List.of(2L, 3L), seqs(after.after(1, ALL, NO_WAIT)));
    assertEquals(List.of(8L), seqs(after.after(7, ALL, NO_WAIT)));
  }

  @Test
  void theOldestSegmentsGoWhenThereAreTooMany() throws Exception {
    Journal journal = open(SMALL);
    append(journal, 20);
    assertEquals(SMALL.segments(), segments().size());
    Page page = settled(journal, 19, 20);
    assertTrue(page.first() > 1);
    // A follower from before the gap gets what is left, and sees the gap in its number.
    assertEquals(page.first(), seqs(journal.after(0, ALL, NO_WAIT)).getFirst());
  }

  @Test
  void segmentsThatAreTooOldGo() throws Exception {
    Journal before = open(SMALL);
    append(before, 8);
    before.close();
    Instant longAgo = Instant.now().minus(SMALL.age()).minusSeconds(60);
    Files.setLastModifiedTime(segments().getFirst(), FileTime.from(longAgo));
    assertEquals(4, open(SMALL).state().first());
  }

  @Test
  void numbersGoOnWhenEverythingButTheNewestSegmentIsGone() throws Exception {
    Journal before = open(SMALL);
    append(before, 6);
    before.close();
    Files.delete(segments().getFirst());
    Journal after = open(SMALL);
    append(after, 1);
    assertEquals(List.of(4L, 5L, 6L), seqs(after.after(0, ALL, NO_WAIT)));
    assertEquals(List.of(7L), seqs(settled(after, 6, 7)));
  }

  @Test
  void anAnswerIsBoundedInBytesButNeverEmpty() throws Exception {
    Journal journal = open(new JournalLimits(1 << 20, 4, Duration.ofDays(30), 50));
    append(journal, 3);
    settled(journal, 2, 3);
    assertEquals(List.of(1L), seqs(journal.after(0, ALL, NO_WAIT)));
  }

  @Test
  void aFollowerThatWaitsGetsTheNextEvent() throws Exception {
    Journal journal = open(JournalLimits.SERVER);
    append(journal, 1);
    settled(journal, 0, 1);
    try (ExecutorService threads = Executors.newSingleThreadExecutor()) {
      Future<Page> page = threads.submit(() -> journal.after(1, ALL, LONG));
      append(journal, 1);
      assertEquals(List.of(2L), seqs(page.get()));
    }
  }

  @Test
  void moreFollowersThanMayWaitAreAnsweredAtOnce() throws Exception {
    Journal journal = open(JournalLimits.SERVER);
    try (ExecutorService threads = Executors.newCachedThreadPool()) {
      List<Future<Page>> waiting = new ArrayList<>();
      // The last of these finds all places taken, whichever it is, and returns without an event.
      for (int i = 0; i <= Journal.WAITERS; i++) {
        waiting.add(threads.submit(() -> journal.after(0, ALL, LONG)));
      }
      while (waiting.stream().noneMatch(Future::isDone)) {
        Thread.onSpinWait();
      }
      append(journal, 1);
      List<Integer> counts = new ArrayList<>();
      for (Future<Page> page : waiting) {
        counts.add(seqs(page.get()).size());
      }
      assertEquals(List.of(0, 1, 1, 1, 1), counts.stream().sorted().toList());
    }
  }

  @Test
  void nobodyWaitsForANumberThatIsNotNext() throws Exception {
    Journal journal = open(JournalLimits.SERVER);
    append(journal, 1);
    settled(journal, 0, 1);
    assertEquals(List.of(), seqs(journal.after(100, ALL, LONG)));
    assertEquals(List.of(), seqs(journal.after(Long.MAX_VALUE, ALL, LONG)));
  }

  @Test
  void closingAnswersWhoeverWaits() throws Exception {
    Journal journal = open(JournalLimits.SERVER);
    append(journal, 1);
    settled(journal, 0, 1);
    try (ExecutorService threads = Executors.newSingleThreadExecutor()) {
      Future<Page> page = threads.submit(() -> journal.after(1, ALL, LONG));
      journal.close();
      assertEquals(1, page.get().last());
    }
  }

  @Test
  void aSecondJournalWaitsForTheFirstToClose() throws Exception {
    Journal older = open(JournalLimits.SERVER);
    append(older, 1);
    Journal newer = new Journal(folder, JournalLimits.SERVER);
    opened.add(newer);
    try (ExecutorService threads = Executors.newSingleThreadExecutor()) {
      Future<?> appended =
          threads.submit(
              () -> {
                newer.append(event(2));
                return null;
              });
      append(older, 1);
      older.close();
      appended.get();
    }
    assertEquals(List.of(1L, 2L, 3L), seqs(settled(newer, 0, 3)));
    assertThrows(IOException.class, () -> older.append(event(4)));
  }

  private Journal open(JournalLimits limits) {
    Journal journal = new Journal(folder, limits);
    opened.add(journal);
    return journal;
  }

  private static void append(Journal journal, int count) throws IOException {
    for (int i = 0; i < count; i++) {
      journal.append(event(i));
    }
  }

  private static String event(int number) {
    return "{\"type\":\"a\",\"n\":" + number + "}";
  }

  /** The page after {@code after} once the event {@code last} can be had. */
  private static Page settled(Journal journal, long after, long last) throws Exception {
    long known = journal.state().last();
    while (known < last) {
      known = journal.after(known, ALL, LONG).last();
    }
    return journal.after(after, ALL, NO_WAIT);
  }

  private static List<Long> seqs(Page page) {
    List<Long> seqs = new ArrayList<>();
    String json = new String(page.json("null"), UTF_8);
    for (JsonElement event :
        JsonParser.parseString(json).getAsJsonObject().getAsJsonArray("events")) {
      seqs.add(event.getAsJsonObject().get("seq").getAsLong());
    }
    return seqs;
  }

  private List<Path> segments() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(file -> file.toString().endsWith(".jsonl")).sorted().toList();
    }
  }
}
