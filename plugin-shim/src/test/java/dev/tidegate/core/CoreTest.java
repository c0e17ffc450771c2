package dev.tidegate.core;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CoreTest {
  private static final int PAGE = 64 << 10;

  @Test
  void theCoreDescribesItself() throws Exception {
    byte[] output = new Core().call(Verb.DESCRIBE, new byte[0]);
    assertTrue(JsonParser.parseString(new String(output, UTF_8)).getAsJsonObject().has("version"));
  }

  @ParameterizedTest
  @CsvSource({"NEEDS", "DECIDE", "SETTINGS"})
  void anInputThatIsNotUnderstoodIsRefusedWithAMessage(Verb verb) {
    CoreRefusedException e =
        assertThrows(
            CoreRefusedException.class, () -> new Core().call(verb, "not JSON".getBytes(UTF_8)));
    assertFalse(e.getMessage().isBlank());
  }

  @Test
  void anInputBeyondTheMemoryIsAFailureAndNotAnAnswer() {
    byte[] input = new byte[Core.MEMORY_BYTES];
    CoreException e = assertThrows(CoreException.class, () -> new Core().call(Verb.DECIDE, input));
    assertFalse(e instanceof CoreRefusedException);
  }

  @Test
  void instancesShareNothing() throws Exception {
    byte[] first = new Core().call(Verb.DESCRIBE, new byte[0]);
    assertThrows(CoreException.class, () -> new Core().call(Verb.DECIDE, new byte[0]));
    assertArrayEquals(first, new Core().call(Verb.DESCRIBE, new byte[0]));
  }

  @Test
  void aWellBehavedFakeAnswers() throws Exception {
    assertArrayEquals(new byte[] {7}, FakeCore.echoing().call(Verb.DECIDE, new byte[] {7}));
  }

  @ParameterizedTest
  @CsvSource({
    "output pointer beyond the memory,          0, 65536,  1, 16, 1024",
    "output that ends beyond the memory,        0, 65535,  2, 16, 1024",
    "negative output pointer,                   0, -1,     1, 16, 1024",
    "negative output length,                    0, 0,     -1, 16, 1024",
    "pointer and length whose sum overflows,    0, -1,    -1, 16, 1024",
    "result beyond the memory,                  0, 1024,   1, 65536, 1024",
    "result that ends beyond the memory,        0, 1024,   1, 65525, 1024",
    "allocation beyond the memory,              0, 1024,   1, 16, 65536",
    "negative allocation,                       0, 1024,   1, 16, -1",
  })
  void noPointerIsFollowedOutOfTheMemory(
      String what, int tag, int pointer, int length, int result, int allocated) {
    Core core = FakeCore.with(tag, pointer, length, result, allocated);
    CoreException e =
        assertThrows(CoreException.class, () -> core.call(Verb.DECIDE, new byte[] {7}), what);
    assertTrue(e.getMessage().contains("beyond its memory"), e.getMessage());
  }

  @Test
  void theLastByteOfTheMemoryCanBeReturned() throws Exception {
    Core core = FakeCore.with(0, PAGE - 1, 1, FakeCore.RESULT, PAGE - 1);
    assertArrayEquals(new byte[] {7}, core.call(Verb.DECIDE, new byte[] {7}));
  }

  @Test
  void aResultOfAnUnknownKindIsAFailure() {
    Core core = FakeCore.with(2, FakeCore.SCRATCH, 1, FakeCore.RESULT, FakeCore.SCRATCH);
    CoreException e = assertThrows(CoreException.class, () -> core.call(Verb.DECIDE, new byte[1]));
    assertEquals("the core returned a result with the tag 2", e.getMessage());
  }

  @Test
  void aTrapIsAFailureThatNamesTheVerb() {
    CoreException e =
        assertThrows(CoreException.class, () -> FakeCore.echoing().call(Verb.STEPS, new byte[1]));
    assertTrue(e.getMessage().startsWith("the core stopped in steps"), e.getMessage());
  }
}
