package dev.tidegate.gerrit.journal;

import java.time.Duration;

/**
 * Bounds of the journal.
 *
 * @param segmentBytes a segment that has grown to this is closed and the next one begun
 * @param segments most segments that are kept; the oldest go first
 * @param age segments whose last event is older go too
 * @param answerBytes most bytes of events in one answer, but for a single larger event
 */
record JournalLimits(int segmentBytes, int segments, Duration age, int answerBytes) {
  /**
   * What a server uses: 8 MiB are some 5,000 events, so that opening one segment is quick and
   * pruning one is cheap; 64 of them, half a gigabyte, outlast any host that is down for a weekend;
   * after 30 days a host is better served by comparing than by replaying.
   */
  static final JournalLimits SERVER = new JournalLimits(8 << 20, 64, Duration.ofDays(30), 4 << 20);
}
