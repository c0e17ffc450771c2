package dev.tidegate.gerrit.record;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RecordKeysTest {
  private static final String TEXT = "{\"schema\":1,\"subject\":\"Grüße\"}";

  /** From the specification of signed notes: the key of its example. */
  private static final String KNOWN_LINE =
      "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

  private TestKey key;

  @BeforeEach
  void makeKey() throws Exception {
    key = new TestKey("host.example");
  }

  @Test
  void aSignatureOfAConfiguredKeyIsGood() throws Exception {
    assertTrue(keys(key).accept(TEXT, key.sign(TEXT)));
  }

  @Test
  void anyOfSeveralKeysWillDo() throws Exception {
    TestKey next = new TestKey("next.example");
    RecordKeys both = keys(key, next);
    assertTrue(both.accept(TEXT, key.sign(TEXT)));
    assertTrue(both.accept(TEXT, next.sign(TEXT)));
  }

  @Test
  void aSignatureOfAnotherKeyIsBad() throws Exception {
    assertFalse(keys(key).accept(TEXT, new TestKey("host.example").sign(TEXT)));
  }

  @Test
  void aSignatureOfAnotherTextIsBad() throws Exception {
    assertFalse(keys(key).accept(TEXT + " ", key.sign(TEXT)));
  }

  @Test
  void aSignatureForAnotherPurposeIsBad() throws Exception {
    assertFalse(keys(key).accept(TEXT, key.signRaw(TEXT)));
    assertFalse(keys(key).accept(TEXT, key.signRaw("tidegate record/v2\n" + TEXT)));
  }

  @Test
  void aDamagedSignatureIsBad() throws Exception {
    byte[] good = Base64.getDecoder().decode(key.sign(TEXT));
    for (int i = 0; i < good.length; i++) {
      byte[] bad = good.clone();
      bad[i] ^= 1;
      assertFalse(keys(key).accept(TEXT, Base64.getEncoder().encodeToString(bad)), "byte " + i);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "!", "AAAA", "not base64 at all"})
  void whatIsNoSignatureIsBad(String signature) throws Exception {
    assertFalse(keys(key).accept(TEXT, signature));
  }

  @Test
  void withoutAKeyNothingIsGood() throws Exception {
    assertFalse(RecordKeys.parse(List.of()).accept(TEXT, key.sign(TEXT)));
  }

  @Test
  void theLineOfTheSpecificationIsRead() {
    RecordKeys keys = RecordKeys.parse(List.of(KNOWN_LINE));
    assertEquals(List.of(), keys.faults());
    assertEquals(List.of("PeterNeumann+c74f20a3"), keys.ids());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "name",
        "name+c74f20a3",
        "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "OtherName+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+AhpcIA==",
        "PeterNeumann+c74f20a3+*",
      })
  void aBadLineIsAFaultAndNoKey(String line) throws Exception {
    RecordKeys keys = RecordKeys.parse(List.of(line, key.line()));
    assertEquals(1, keys.faults().size());
    assertEquals(1, keys.ids().size());
    assertTrue(keys.accept(TEXT, key.sign(TEXT)));
  }

  private static RecordKeys keys(TestKey... keys) throws Exception {
    List<String> lines = new ArrayList<>();
    for (TestKey one : keys) {
      lines.add(one.line());
    }
    return RecordKeys.parse(lines);
  }
}
