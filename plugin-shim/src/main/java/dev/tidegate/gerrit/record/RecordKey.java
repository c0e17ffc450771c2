package dev.tidegate.gerrit.record;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;

/**
 * A public key that records may be signed with, read from a line of the form {@code name+id+key}:
 * the verifier key of <a href="https://c2sp.org/signed-note">C2SP's signed notes</a>.
 *
 * @param name the key's name
 * @param id 8 hex digits, a short hash of name and key
 * @param key the key
 */
record RecordKey(String name, String id, PublicKey key) {
  /** The type of an Ed25519 key in a verifier line, and the only one that is read. */
  private static final byte ED25519 = 0x01;

  private static final int KEY_BYTES = 32;
  private static final int SIGNATURE_BYTES = 64;
  private static final int ID_BYTES = 4;

  /** What an Ed25519 key of 32 bytes begins with in X.509 (RFC 8410, section 4). */
  private static final byte[] X509 = HexFormat.of().parseHex("302a300506032b6570032100");

  /** A line that is no verifier key. The message names the line and what is wrong with it. */
  static final class BadKeyException extends Exception {
    private static final long serialVersionUID = 1L;

    BadKeyException(String message) {
      super(message);
    }
  }

  static RecordKey parse(String line) throws BadKeyException {
    // The key may contain a '+', name and id may not.
    String[] parts = line.strip().split("\\+", 3);
    if (parts.length != 3 || parts[0].isBlank()) {
      throw new BadKeyException("expected name+id+key: " + line);
    }
    byte[] typed;
    try {
      typed = Base64.getDecoder().decode(parts[2]);
    } catch (IllegalArgumentException e) {
      throw new BadKeyException("the key of " + parts[0] + " is not base64");
    }
    if (typed.length != 1 + KEY_BYTES || typed[0] != ED25519) {
      throw new BadKeyException("the key of " + parts[0] + " is not an Ed25519 key (type 0x01)");
    }
    String id = id(parts[0], typed);
    if (!id.equals(parts[1])) {
      throw new BadKeyException(
          "the id of " + parts[0] + " is " + parts[1] + ", but name and key have " + id);
    }
    return new RecordKey(parts[0], id, key(parts[0], typed));
  }

  /** Whether {@code signature} over {@code message} was made with this key. */
  boolean accepts(byte[] message, byte[] signature) {
    if (signature.length != SIGNATURE_BYTES) {
      return false;
    }
    try {
      Signature verifier = Signature.getInstance("Ed25519");
      verifier.initVerify(key);
      verifier.update(message);
      return verifier.verify(signature);
    } catch (GeneralSecurityException e) {
      // Such as a point that is not on the curve: whatever it is, it is no good signature.
      return false;
    }
  }

  private static String id(String name, byte[] typedKey) throws BadKeyException {
    try {
      MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
      sha256.update((name + "\n").getBytes(UTF_8));
      return HexFormat.of().formatHex(sha256.digest(typedKey), 0, ID_BYTES);
    } catch (GeneralSecurityException e) {
      throw new BadKeyException("this JVM has no SHA-256");
    }
  }

  private static PublicKey key(String name, byte[] typed) throws BadKeyException {
    byte[] encoded = Arrays.copyOf(X509, X509.length + KEY_BYTES);
    System.arraycopy(typed, 1, encoded, X509.length, KEY_BYTES);
    try {
      return KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(encoded));
    } catch (GeneralSecurityException e) {
      throw new BadKeyException("the key of " + name + " is no Ed25519 key: " + e.getMessage());
    }
  }
}
