package dev.tidegate.core;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.gson.Gson;
import com.google.gson.JsonParseException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Supplier;

/**
 * Inputs whose outputs are known. HotSpot's optimising compiler had, until 2026-04-30, a fault that
 * makes it compute wrongly and silently; a JVM that gets a known case wrong must not judge.
 *
 * <p>The file {@code known-cases.json} is a list of {@link Case}s, committed beside this class and
 * equal on every host.
 */
public final class KnownCases {
  /** How often each case runs at the start: the core is compiled then before it is needed. */
  static final int WARM_UP_ROUNDS = 20;

  private static final String RESOURCE = "known-cases.json";

  /**
   * One case.
   *
   * @param verb the verb
   * @param input its input
   * @param answer {@code ok}, or {@code refused} if the core refuses the input
   * @param sha256 the digest of the output, or of the refusal's message
   */
  record Case(String verb, String input, String answer, String sha256) {}

  private final List<Case> cases;
  private final Supplier<Core> cores;

  KnownCases(List<Case> cases, Supplier<Core> cores) {
    this.cases = cases;
    this.cores = cores;
  }

  /** The cases that the plugin carries; none, which never come out right, if they can't be read. */
  public static KnownCases bundled() {
    try (InputStream in = KnownCases.class.getResourceAsStream(RESOURCE)) {
      if (in == null) {
        return new KnownCases(List.of(), Core::new);
      }
      Case[] read = new Gson().fromJson(new InputStreamReader(in, UTF_8), Case[].class);
      return new KnownCases(read == null ? List.of() : List.of(read), Core::new);
    } catch (IOException | JsonParseException e) {
      return new KnownCases(List.of(), Core::new);
    }
  }

  /**
   * Runs every case {@code rounds} times and returns how many cases there are.
   *
   * @throws CoreException if one differs, naming it, or if there is none
   */
  int run(int rounds) throws CoreException {
    if (cases.isEmpty()) {
      throw new CoreException("no known case could be read from the plugin");
    }
    for (int round = 0; round < rounds; round++) {
      for (int i = 0; i < cases.size(); i++) {
        Case expected = cases.get(i);
        Case found = compute(cores, expected.verb(), expected.input());
        if (!found.equals(expected)) {
          throw new CoreException(
              "this JVM computes wrongly (known case %d, %s: %s %s instead of %s %s, on Java %s)"
                  .formatted(
                      i,
                      expected.verb(),
                      found.answer(),
                      found.sha256(),
                      expected.answer(),
                      expected.sha256(),
                      Runtime.version()));
        }
      }
    }
    return cases.size();
  }

  /** The case of {@code input} as this JVM computes it. */
  static Case compute(Supplier<Core> cores, String word, String input) throws CoreException {
    Verb verb = Verb.of(word);
    try {
      byte[] output = cores.get().call(verb, input.getBytes(UTF_8));
      return new Case(word, input, "ok", sha256(output));
    } catch (CoreRefusedException e) {
      return new Case(word, input, "refused", sha256(e.getMessage().getBytes(UTF_8)));
    }
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }
}
