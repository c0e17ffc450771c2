package dev.tidegate.gerrit.journal;

import com.google.gerrit.extensions.config.CapabilityDefinition;

/**
 * The right to follow the journal and to read the facts of a decision. Both hold more than a user
 * may see otherwise: events of every project and of private changes, and the settings of parent
 * projects. So Gerrit's own <i>Stream Events</i>, which filters by what its user may see, does not
 * suffice.
 */
public final class FollowEvents extends CapabilityDefinition {
  /** As project.config spells it after the plugin's name: {@code tidegate-followEvents}. */
  public static final String NAME = "followEvents";

  @Override
  public String getDescription() {
    return "Follow Tidegate's Journal and Facts";
  }
}
