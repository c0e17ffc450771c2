package dev.tidegate.gerrit.record;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.MessageDigest;
import java.security.Signature;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;

/** A key that signs records as the host does. */
final class TestKey {
  private final String name;
  private final KeyPair pair;

  TestKey(String name) throws GeneralSecurityException {
    this.name = name;
    this.pair = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
  }

  /** The verifier line. */
  String line() throws GeneralSecurityException {
    byte[] encoded = pair.getPublic().getEncoded();
    byte[] typed = Arrays.copyOfRange(encoded, encoded.length - 33, encoded.length);
    typed[0] = 1;
    MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
    sha256.update((name + "\n").getBytes(UTF_8));
    String id = HexFormat.of().formatHex(sha256.digest(typed), 0, 4);
    return name + "+" + id + "+" + Base64.getEncoder().encodeToString(typed);
  }

  /** The signature of a record. */
  String sign(String text) throws GeneralSecurityException {
    return signRaw("tidegate record/v1\n" + text);
  }

  /** The signature of anything. */
  String signRaw(String message) throws GeneralSecurityException {
    Signature signature = Signature.getInstance("Ed25519");
    signature.initSign(pair.getPrivate());
    signature.update(message.getBytes(UTF_8));
    return Base64.getEncoder().encodeToString(signature.sign());
  }
}
