/**
 * The gate: asks the core and shows what it says. Nothing is decided here, and nothing passes by
 * accident.
 */
package dev.tidegate.gerrit.gate;
