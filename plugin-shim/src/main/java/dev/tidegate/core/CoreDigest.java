package dev.tidegate.core;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;

/** The SHA-256 of the module that the plugin was built from: by it both hosts name their core. */
public final class CoreDigest {
  /** Written by the build, beside the classes that it makes of the module. */
  private static final String RESOURCE = "core.sha256";

  private CoreDigest() {}

  /** 64 hex digits, or {@code "unknown"}; it is recorded, and decides nothing. */
  public static String read() {
    try (InputStream in = CoreDigest.class.getResourceAsStream(RESOURCE)) {
      return in == null ? "unknown" : new String(in.readAllBytes(), UTF_8).strip();
    } catch (IOException e) {
      return "unknown";
    }
  }
}
