/**
 * Records: what the host wrote about a change, kept beside it in a ref of its own, signed, and
 * closed to everybody else.
 */
package dev.tidegate.gerrit.record;
