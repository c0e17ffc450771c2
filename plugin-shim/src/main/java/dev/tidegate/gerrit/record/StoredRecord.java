package dev.tidegate.gerrit.record;

/**
 * A record as it lies in its ref, its signature checked.
 *
 * @param commit the id of the commit that holds it
 * @param text the record
 */
public record StoredRecord(String commit, String text) {}
