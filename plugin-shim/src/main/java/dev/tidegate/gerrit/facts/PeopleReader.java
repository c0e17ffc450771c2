package dev.tidegate.gerrit.facts;

import com.google.gerrit.entities.Account;
import com.google.gerrit.entities.AccountGroup;
import com.google.gerrit.server.IdentifiedUser;
import com.google.gerrit.server.account.AccountCache;
import com.google.gerrit.server.account.AccountState;
import com.google.gerrit.server.account.GroupMembership;
import com.google.gerrit.server.account.ServiceUserClassifier;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.inject.Inject;
import com.google.inject.Singleton;
import java.util.Optional;
import java.util.SortedSet;

/** Reads what Gerrit says of accounts now. */
@Singleton
final class PeopleReader {
  private final AccountCache accounts;
  private final IdentifiedUser.GenericFactory users;
  private final ServiceUserClassifier serviceUsers;

  @Inject
  PeopleReader(
      AccountCache accounts,
      IdentifiedUser.GenericFactory users,
      ServiceUserClassifier serviceUsers) {
    this.accounts = accounts;
    this.users = users;
    this.serviceUsers = serviceUsers;
  }

  /**
   * Each account by its number, with those of {@code groups} that it is in; an account that does
   * not exist is left out.
   */
  JsonObject read(SortedSet<Integer> numbers, SortedSet<String> groups) {
    JsonObject people = new JsonObject();
    for (int number : numbers) {
      Optional<AccountState> account = accounts.get(Account.id(number));
      if (account.isPresent()) {
        people.add(Integer.toString(number), person(account.get(), groups));
      }
    }
    return people;
  }

  private JsonObject person(AccountState state, SortedSet<String> groups) {
    Account account = state.account();
    GroupMembership memberships = users.create(state).getEffectiveGroups();
    JsonArray memberOf = new JsonArray();
    for (String group : groups) {
      if (memberships.contains(AccountGroup.uuid(group))) {
        memberOf.add(group);
      }
    }
    JsonObject person = new JsonObject();
    person.addProperty("active", account.isActive());
    person.addProperty("service", serviceUsers.isServiceUser(account.id()));
    person.add("groups", memberOf);
    return person;
  }
}
