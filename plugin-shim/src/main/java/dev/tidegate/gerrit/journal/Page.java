package dev.tidegate.gerrit.journal;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;

/**
 * What the journal answers to a follower.
 *
 * @param journal the journal's id: another one means that numbers started anew
 * @param first number of the oldest event that is kept, or of the next one if none is
 * @param last number of the newest event that can be had, or one less than {@code first}
 * @param lines the events: lines of JSON, each ended by a line feed
 */
record Page(String journal, long first, long last, byte[] lines) {
  Page with(byte[] events) {
    return new Page(journal, first, last, events);
  }

  /**
   * The page as JSON.
   *
   * @param instance {@code gerrit.instanceId} as JSON, or {@code null}
   */
  byte[] json(String instance) {
    String head =
        "{\"journal\":\"%s\",\"instance\":%s,\"first\":%d,\"last\":%d,\"events\":["
            .formatted(journal, instance, first, last);
    ByteArrayOutputStream out = new ByteArrayOutputStream(head.length() + lines.length + 2);
    out.writeBytes(head.getBytes(UTF_8));
    for (int i = 0; i < lines.length; i++) {
      boolean lastByte = i == lines.length - 1;
      if (lines[i] != '\n') {
        out.write(lines[i]);
      } else if (!lastByte) {
        out.write(',');
      }
    }
    out.writeBytes("]}".getBytes(UTF_8));
    return out.toByteArray();
  }
}
