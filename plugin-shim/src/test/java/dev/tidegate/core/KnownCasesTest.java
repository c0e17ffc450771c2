package dev.tidegate.core;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import dev.tidegate.core.KnownCases.Case;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class KnownCasesTest {
  private static final Path FILE = Path.of("src/main/resources/dev/tidegate/core/known-cases.json");

  /** {@code -Dtidegate.cases=accept} writes what this JVM computes into the file. */
  private static final boolean ACCEPT = "accept".equals(System.getProperty("tidegate.cases"));

  @Test
  void theCommittedCasesAreThoseOfThisCore() throws Exception {
    Case[] committed = new Gson().fromJson(Files.readString(FILE), Case[].class);
    List<Case> computed = new ArrayList<>();
    for (Case one : committed) {
      computed.add(KnownCases.compute(Core::new, one.verb(), one.input()));
    }
    if (ACCEPT) {
      write(computed);
    }
    assertEquals(
        answers(List.of(committed)),
        answers(computed),
        "the core answers otherwise than it did; if that is meant, run the tests once with"
            + " -Dtidegate.cases=accept, and compare with the native core");
  }

  @Test
  void theCasesCoverAnswersAndRefusals() throws IOException {
    Case[] cases = new Gson().fromJson(Files.readString(FILE), Case[].class);
    List<String> kinds = List.of(cases).stream().map(c -> c.verb() + " " + c.answer()).toList();
    for (String kind : List.of("describe ok", "needs ok", "decide ok", "decide refused")) {
      assertTrue(kinds.contains(kind), kind + " is missing in " + kinds);
    }
  }

  @Test
  void aJvmThatComputesOtherwiseIsNamed() {
    KnownCases cases = new KnownCases(List.of(new Case("describe", "", "ok", "00")), Core::new);
    CoreException e = assertThrows(CoreException.class, () -> cases.run(1));
    assertTrue(e.getMessage().startsWith("this JVM computes wrongly (known case 0, describe"));
    assertTrue(e.getMessage().contains(Runtime.version().toString()));
  }

  @Test
  void aPluginWithoutCasesComputesNothing() {
    KnownCases cases = new KnownCases(List.of(), Core::new);
    assertThrows(CoreException.class, () -> cases.run(1));
  }

  private static String answers(List<Case> cases) {
    return cases.stream()
        .map(one -> one.verb() + " " + one.answer() + " " + one.sha256())
        .collect(Collectors.joining("\n"));
  }

  private static void write(List<Case> cases) throws IOException {
    Gson gson = new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();
    Files.write(FILE, (gson.toJson(cases) + "\n").getBytes(UTF_8));
  }
}
