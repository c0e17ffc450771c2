package dev.tidegate.core;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Answers a file of cases by the plugin's own {@link CoreRunner}, without Gerrit, so that its
 * answers can be compared with those of other hosts.
 *
 * <p>A case is a verb and an input, each a length of four bytes, big-endian, and so many bytes. An
 * answer is one byte (0 ok, 1 refused, 2 failed), a length and so many bytes: the output, or the
 * message in UTF-8. Answers are in the order of the cases.
 */
final class AnswerCases {
  /** Far beyond what any case takes, on a busy machine and in code that isn't compiled yet. */
  private static final long LIMIT_MS = 120_000;

  private AnswerCases() {}

  private record Case(String verb, byte[] input) {}

  private record Answer(int tag, byte[] bytes) {}

  /** Reads cases from the first file and writes answers to the second. */
  public static void main(String[] files) throws Exception {
    List<Case> cases = read(Path.of(files[0]));
    CoreRunner runner = new CoreRunner(KnownCases.bundled(), Core::new, LIMIT_MS);
    Health health = runner.start();
    if (!health.good()) {
      throw new IllegalStateException(health.detail());
    }
    int threads = Runtime.getRuntime().availableProcessors();
    try (ExecutorService askers = Executors.newFixedThreadPool(threads)) {
      List<Future<Answer>> answers = new ArrayList<>();
      for (Case one : cases) {
        answers.add(askers.submit(() -> answer(runner, one)));
      }
      write(Path.of(files[1]), answers);
    }
    runner.stop();
  }

  private static Answer answer(CoreRunner runner, Case one) {
    try {
      return new Answer(0, runner.call(Verb.of(one.verb()), one.input()));
    } catch (CoreRefusedException e) {
      return new Answer(1, e.getMessage().getBytes(UTF_8));
    } catch (CoreException e) {
      return new Answer(2, e.getMessage().getBytes(UTF_8));
    }
  }

  private static List<Case> read(Path file) throws IOException {
    List<Case> cases = new ArrayList<>();
    long left = Files.size(file);
    try (DataInputStream in =
        new DataInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
      while (left > 0) {
        byte[] verb = in.readNBytes(in.readInt());
        byte[] input = in.readNBytes(in.readInt());
        left -= 8L + verb.length + input.length;
        cases.add(new Case(new String(verb, UTF_8), input));
      }
    }
    return cases;
  }

  private static void write(Path file, List<Future<Answer>> answers) throws Exception {
    try (DataOutputStream out =
        new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(file)))) {
      for (Future<Answer> future : answers) {
        Answer answer = future.get();
        out.writeByte(answer.tag());
        out.writeInt(answer.bytes().length);
        out.write(answer.bytes());
      }
    }
  }
}
