package dev.tidegate.gerrit.gate;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VerdictTest {
  private static final String WAITING =
      """
      {"schema":1,"submittable":false,"outcome":"waiting","summary":"one approval is missing",
       "reasons":[{"code":"approval-missing","stack":"app-prod","text":"one approval is missing",
                   "cure":"vote"},
                  {"code":"private","text":"the change is private"}],
       "stacks":{"app-prod":{"binding":null,"approvals":0,"needed":1}}}\
      """;

  private static final String READY =
      """
      {"schema":1,"submittable":true,"outcome":"ready","summary":"ready","reasons":[],"stacks":{}}\
      """;

  @Test
  void aVerdictKeepsItsBytes() {
    assertArrayEquals(WAITING.getBytes(UTF_8), Verdict.read(WAITING.getBytes(UTF_8)).json());
  }

  @Test
  void aWaitingVerdictShowsEachReason() {
    Verdict verdict = read(WAITING);
    assertFalse(verdict.submittable());
    assertEquals("app-prod: one approval is missing (vote); the change is private", verdict.line());
  }

  @Test
  void anExplanationSaysWhatWouldChangeIt() {
    assertEquals(
        """
        waiting, not submittable: one approval is missing

        * app-prod: one approval is missing [approval-missing]
          What would change it: vote

        * the change is private [private]
        """,
        read(WAITING).explanation());
  }

  @Test
  void aReadyVerdictPasses() {
    assertTrue(read(READY).submittable());
    assertEquals("ready", read(READY).line());
  }

  @Test
  void aRefusalThatOnlyObservesPasses() {
    assertTrue(
        read(WAITING.replace("\"submittable\":false", "\"submittable\":true")).submittable());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "null",
        "[]",
        "{}",
        "\"ready\"",
        "{\"schema\":1,\"submittable\":true,\"outcome\":\"ready\",\"reasons\":[]",
        "{\"schema\":2,\"submittable\":true,\"outcome\":\"ready\",\"summary\":\"\",\"reasons\":[]}",
        "{\"schema\":1,\"submittable\":\"true\",\"outcome\":\"ready\",\"summary\":\"\",\"reasons\":[]}",
        "{\"schema\":1,\"submittable\":1,\"outcome\":\"ready\",\"summary\":\"\",\"reasons\":[]}",
        "{\"schema\":1,\"submittable\":true,\"outcome\":\"fine\",\"summary\":\"\",\"reasons\":[]}",
        "{\"schema\":1,\"submittable\":true,\"outcome\":\"ready\",\"summary\":\"\"}",
        "{\"schema\":1,\"submittable\":true,\"outcome\":\"ready\",\"summary\":\"\",\"reasons\":[1]}",
        "{\"schema\":1,\"outcome\":\"ready\",\"summary\":\"\",\"reasons\":[]}",
      })
  void whatIsNotUnderstoodRefuses(String json) {
    Verdict verdict = read(json);
    assertFalse(verdict.submittable());
    assertEquals("refused", verdict.outcome());
    assertTrue(verdict.line().startsWith("Tidegate can't decide: "), verdict.line());
  }

  @Test
  void thePluginsOwnVerdictsHaveTheSameForm() {
    Verdict refused = Verdict.refused("of a test");
    Verdict again = Verdict.read(refused.json());
    assertFalse(again.submittable());
    assertEquals(refused.reasons(), again.reasons());
    assertTrue(Verdict.read(Verdict.notOurs("of a test").json()).submittable());
  }

  private static Verdict read(String json) {
    return Verdict.read(json.getBytes(UTF_8));
  }
}
