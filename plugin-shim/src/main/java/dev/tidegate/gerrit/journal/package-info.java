/**
 * The journal: every event that Gerrit fires, on disk and numbered, so that the host can follow
 * from where it was. SSH's event stream has neither numbers nor memory.
 */
package dev.tidegate.gerrit.journal;
