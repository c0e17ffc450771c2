//! Settings as a whole: what they read as, what is wrong with them, and how they are inherited.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::ids::{Digest, GroupUuid, StackId};
use crate::limits;
use proptest::prelude::*;
use rstest::{Context, rstest};
use std::collections::{BTreeMap, BTreeSet};

const COMMIT: &str = "65c08a7b0435a3251dc68a174b80349842e36d74";
const SRE: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const MODULE: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// A project with `network` and `app`, each in `staging` and `prod`.
const INFRA: &str = r#"
schema = 1
mode = "deploy"
operators = "SRE"

[defaults]
backend = "s3://state"

[[environment]]
name = "staging"

[[environment]]
name = "prod"
approve = { count = 2, group = "SRE" }

[trust]
groups = ["Platform"]

[preview]
untrusted = "sealed"
timeout_minutes = 15

[[policy]]
name = "protected-types"
module = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
effect = "advise"
settings = { types = ["aws:rds/instance:Instance"], limit = 20, strict = true, by = { app = -3 } }

[[stack]]
id = "network-staging"
project = "network"
stack = "staging"
path = "network"
environment = "staging"

[[stack]]
id = "network-prod"
project = "network"
stack = "prod"
path = "network/"
environment = "prod"

[[stack]]
id = "app-staging"
project = "app"
stack = "staging"
path = "app"
environment = "staging"
inputs = ["./lib/common/", "versions.json"]
reads = ["network-staging"]
branch = "develop"
apply = "guarded"

[[stack]]
id = "app-prod"
project = "app"
stack = "prod"
path = "app"
environment = "prod"
reads = ["network-prod"]
approve = { label = "Deploy-Approval", count = 3 }
"#;

const GROUPS: &str = "# UUID\tGroup Name\n\
                      aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\tSRE\n\
                      bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\tPlatform\n";

fn layer(project: &str, text: &str) -> SettingsLayer {
    SettingsLayer {
        project: project.parse().unwrap(),
        commit: COMMIT.parse().unwrap(),
        text: text.to_owned(),
        groups: GROUPS.to_owned(),
    }
}

fn read(text: &str) -> Result<Settings, SettingsError> {
    Settings::read(&[layer("infra", text)], &Floor::default())
}

/// A file with one good claim, and `more` after it.
fn with_claim(more: &str) -> String {
    format!(
        "schema = 1\n[[stack]]\nid = \"a\"\nproject = \"p\"\nstack = \"s\"\npath = \"x\"\n{more}"
    )
}

/// A second claim that goes together with the first but for `more`.
fn second(more: &str) -> String {
    with_claim(&format!(
        "[[stack]]\nid = \"b\"\nproject = \"q\"\nstack = \"t\"\npath = \"y\"\n{more}"
    ))
}

fn inherited(texts: &[&str]) -> Settings {
    let layers: Vec<_> =
        texts.iter().enumerate().map(|(i, text)| layer(&format!("p{i}"), text)).collect();
    Settings::read(&layers, &Floor::default()).unwrap()
}

fn stack<'s>(settings: &'s Settings, id: &str) -> &'s Claim {
    &settings.stacks[&id.parse::<StackId>().unwrap()]
}

#[test]
fn effective_settings_have_stable_json() {
    let settings = read(INFRA).unwrap();
    insta::assert_json_snapshot!(settings);
    let text = serde_json::to_string(&settings).unwrap();
    assert_eq!(serde_json::from_str::<Settings>(&text).unwrap(), settings);
}

#[rstest]
#[case::nothing("")]
#[case::comments_only("# nothing yet\n\n")]
#[case::only_a_schema("schema = 1\n")]
fn files_without_words_claim_nothing(#[case] text: &str) {
    let settings = read(text).unwrap();
    assert_eq!(settings.stacks, BTreeMap::new());
    assert_eq!(settings.mode, Mode::Observe);
    assert_eq!(settings.trust.groups, BTreeSet::new());
    assert_eq!(settings.digest, read("").unwrap().digest);
}

#[rstest]
#[case::no_schema("mode = \"gate\"")]
#[case::schema_0("schema = 0")]
#[case::schema_2("schema = 2\nstacks = 1")]
#[case::schema_text("schema = \"1\"")]
#[case::schema_list("schema = [1]")]
#[case::not_toml("schema = 1\nmode = gate\n")]
#[case::key_twice("schema = 1\nmode = \"gate\"\nmode = \"gate\"\n")]
#[case::unknown_mode("schema = 1\nmode = \"enforce\"\n")]
#[case::unknown_top_key("schema = 1\n[stacks]\n")]
#[case::unknown_keys_everywhere(&with_claim(
    "brnach = \"main\"\napprove = { votes = 2 }\n[defaults]\npath = \"x\"\n[preview]\nnet = true\n\
     [trust]\nusers = []\n[[environment]]\nname = \"e\"\nrank = 1\n[[policy]]\nwasm = \"x\"\n"
))]
#[case::wrong_types(
    "schema = 1\nmode = 1\noperators = [\"SRE\"]\ndefaults = \"x\"\nenvironment = \"prod\"\n\
     stack = [1.5]\n[preview]\ntimeout_minutes = \"5\"\n[trust]\ngroups = [2024-01-01, true]\n"
)]
#[case::missing_keys("schema = 1\n[[stack]]\n[[stack]]\nid = \"a\"\n[[environment]]\n[[policy]]\n")]
#[case::bad_ids(&with_claim(
    "branch = \"a b\"\ninputs = [\"../x\", \"/y\", \"a/*\"]\nreads = [\"A\"]\n\
     backend = \"S3 bucket\"\nenvironment = \"Prod\"\napprove = { label = \"Code Review\" }\n"
))]
#[case::password(&with_claim("backend = \"postgres://u:hunter2@db/state\"\n"))]
#[case::numbers_out_of_range(&with_claim(
    "approve = { count = 0, value = -1 }\n[defaults]\napprove = { count = 101, value = 32768 }\n\
     [preview]\ntimeout_minutes = 99999999999\n"
))]
#[case::not_a_branch(&with_claim("branch = \"refs/meta/config\"\n"))]
#[case::unknown_group(&with_claim("approve = { group = \"Admins\" }\n"))]
#[case::id_twice(&with_claim("[[stack]]\nid = \"a\"\nproject = \"q\"\nstack = \"t\"\npath = \"y\"\n"))]
#[case::stack_twice(&with_claim("[[stack]]\nid = \"b\"\nproject = \"p\"\nstack = \"s\"\npath = \"y\"\n"))]
#[case::stack_file_twice(&with_claim(
    "[[stack]]\nid = \"b\"\nproject = \"p\"\nstack = \"s\"\npath = \"x\"\nbackend = \"other\"\n"
))]
#[case::two_projects_in_a_folder(&with_claim(
    "[[stack]]\nid = \"b\"\nproject = \"q\"\nstack = \"t\"\npath = \"x\"\n"
))]
#[case::unknown_read(&with_claim("reads = [\"b\"]\n"))]
#[case::reads_itself(&with_claim("reads = [\"a\"]\n"))]
#[case::circle(
    "schema = 1\n\
    [[stack]]\nid = \"a\"\nproject = \"a\"\nstack = \"s\"\npath = \"a\"\nreads = [\"c\"]\n\
    [[stack]]\nid = \"b\"\nproject = \"b\"\nstack = \"s\"\npath = \"b\"\nreads = [\"a\"]\n\
    [[stack]]\nid = \"c\"\nproject = \"c\"\nstack = \"s\"\npath = \"c\"\nreads = [\"b\"]\n"
)]
#[case::against_the_environments(
    "schema = 1\n\
    [[environment]]\nname = \"staging\"\n[[environment]]\nname = \"prod\"\n\
    [[stack]]\nid = \"a\"\nproject = \"a\"\nstack = \"s\"\npath = \"a\"\nenvironment = \"staging\"\nreads = [\"b\"]\n\
    [[stack]]\nid = \"b\"\nproject = \"b\"\nstack = \"s\"\npath = \"b\"\nenvironment = \"prod\"\n"
)]
#[case::no_environment(&with_claim("[[environment]]\nname = \"prod\"\n"))]
#[case::unknown_environment(&with_claim("environment = \"test\"\n[[environment]]\nname = \"prod\"\n"))]
#[case::undeclared_environment(&with_claim("environment = \"test\"\n"))]
#[case::environment_twice(
    "schema = 1\n[[environment]]\nname = \"e\"\n[[environment]]\nname = \"e\"\n"
)]
#[case::policy_settings(&format!(
    "schema = 1\n[[policy]]\nname = \"p\"\nmodule = \"{MODULE}\"\n\
     settings = {{ a = 1.5, b = [2024-01-01], c = 99999999999999999999 }}\n"
))]
#[case::policy_names(&format!(
    "schema = 1\n[[policy]]\nname = \"floor-x\"\nmodule = \"{MODULE}\"\n\
     [[policy]]\nname = \"p\"\nmodule = \"{MODULE}\"\n[[policy]]\nname = \"p\"\nmodule = \"abc\"\n"
))]
#[case::policy_twice(&format!(
    "schema = 1\n[[policy]]\nname = \"p\"\nmodule = \"{MODULE}\"\n\
     [[policy]]\nname = \"p\"\nmodule = \"{MODULE}\"\n"
))]
#[case::too_deep(&format!("schema = 1\na = {}{}", "[".repeat(40), "]".repeat(40)))]
#[case::too_many_problems(&format!("schema = 1\n{}", (0..30).fold(String::new(), |t, i| t + &format!("k{i} = 1\n"))))]
#[case::control_characters("schema = 1\n\"a\\u0000\\n\\u001b[31m\" = 1\n")]
fn errors_say_where_and_what_to_do(#[context] context: Context, #[case] text: &str) {
    let case = context.description.unwrap();
    insta::assert_snapshot!(format!("error_{case}"), read(text).unwrap_err().to_string());
}

#[rstest]
#[case::too_long(&"#".repeat(limits::SETTINGS_BYTES + 1))]
#[case::too_many_stacks(&format!("schema = 1\n{}", "[[stack]]\n".repeat(limits::STACKS + 1)))]
#[case::too_many_policies(&format!("schema = 1\n{}", "[[policy]]\n".repeat(POLICIES + 1)))]
#[case::too_many_environments(&format!("schema = 1\n{}", "[[environment]]\n".repeat(ENVIRONMENTS + 1)))]
#[case::too_many_groups(&format!("schema = 1\ntrust.groups = [{}]", "\"SRE\",".repeat(TRUSTED_GROUPS + 1)))]
fn limits_are_kept(#[case] text: &str) {
    let error = read(text).unwrap_err().to_string();
    assert!(error.contains("remove some"), "{error}");
}

#[test]
fn the_number_of_layers_is_bounded() {
    assert!(matches!(Settings::read(&[], &Floor::default()), Err(SettingsError::NoLayers)));
    let layers = vec![layer("p", ""); LAYERS + 1];
    let error = Settings::read(&layers, &Floor::default()).unwrap_err();
    assert!(matches!(error, SettingsError::TooManyLayers { found: 65, limit: 64 }));
}

#[test]
fn as_many_claims_as_allowed_are_read() {
    let claims = (0..limits::STACKS).map(|i| {
        format!("[[stack]]\nid = \"s{i}\"\nproject = \"p\"\nstack = \"s{i}\"\npath = \"x\"\n")
    });
    let text = claims.fold("schema = 1\n".to_owned(), |text, claim| text + &claim);
    assert_eq!(read(&text).unwrap().stacks.len(), limits::STACKS);
}

#[test]
fn a_childs_word_goes_before_its_parents() {
    let parent = "schema = 1\nmode = \"gate\"\noperators = \"SRE\"\ntrust.groups = [\"SRE\"]\n\
                  [defaults]\nbranch = \"trunk\"\nbackend = \"one\"\napply = \"guarded\"\n\
                  approve = { value = 1, count = 2, group = \"SRE\" }\n\
                  [preview]\nuntrusted = \"sealed\"\ntimeout_minutes = 5\n";
    let child = with_claim(
        "[defaults]\nbackend = \"two\"\napprove.count = 3\n[preview]\ntimeout_minutes = 7\n",
    );
    let settings = inherited(&[parent, "", &child]);
    let claim = stack(&settings, "a");
    assert_eq!(settings.mode, Mode::Gate);
    assert_eq!(settings.operators.as_ref().map(GroupUuid::as_str), Some(SRE));
    assert_eq!(settings.trust.groups.len(), 1);
    assert_eq!(settings.preview, Preview { untrusted: Untrusted::Sealed, timeout_minutes: 7 });
    assert_eq!(claim.branch.as_str(), "refs/heads/trunk");
    assert_eq!(claim.backend.as_str(), "two");
    assert_eq!(claim.apply, Apply::Guarded);
    assert_eq!((claim.approve.value, claim.approve.count), (Some(1), 3));
    assert_eq!(claim.approve.group.as_ref().map(GroupUuid::as_str), Some(SRE));
}

#[test]
fn a_childs_list_replaces_its_parents() {
    let parent = format!(
        "schema = 1\n[[environment]]\nname = \"staging\"\n[[environment]]\nname = \"prod\"\n\
         [[policy]]\nname = \"p\"\nmodule = \"{MODULE}\"\n"
    );
    let settings =
        inherited(&[&parent, "schema = 1\npolicy = []\n[[environment]]\nname = \"live\"\n"]);
    assert_eq!(settings.environments.len(), 1);
    assert_eq!(settings.policies, BTreeMap::new());
    let settings = inherited(&[&parent, ""]);
    assert_eq!(settings.environments.iter().map(|e| e.rank).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(settings.policies.len(), 1);
}

#[test]
fn a_parents_claims_are_its_own() {
    let settings = inherited(&[&with_claim(""), "schema = 1\n"]);
    assert_eq!(settings.stacks, BTreeMap::new());
}

#[test]
fn a_parents_problem_is_told_with_the_parents_name() {
    let layers = [layer("All-Projects", "schema = 1\nmode = \"x\"\n"), layer("infra", INFRA)];
    let error = Settings::read(&layers, &Floor::default()).unwrap_err().to_string();
    assert!(error.starts_with("tidegate.toml of All-Projects, line 2, column 8: "), "{error}");
}

#[test]
fn approval_rules_go_from_the_claim_over_its_environment_to_the_defaults() {
    let text = "schema = 1\n[defaults.approve]\nlabel = \"L1\"\nvalue = 1\ncount = 2\n\
                [[environment]]\nname = \"e\"\napprove = { count = 3 }\n\
                [[stack]]\nid = \"a\"\nproject = \"p\"\nstack = \"a\"\npath = \"x\"\nenvironment = \"e\"\n\
                [[stack]]\nid = \"b\"\nproject = \"p\"\nstack = \"b\"\npath = \"x\"\nenvironment = \"e\"\n\
                approve = { label = \"L2\" }\n";
    let settings = read(text).unwrap();
    let told = |id: &str| {
        let approve = &stack(&settings, id).approve;
        (approve.label.to_string(), approve.value, approve.count)
    };
    assert_eq!(told("a"), ("L1".to_owned(), Some(1), 3));
    // A value says nothing about another label.
    assert_eq!(told("b"), ("L2".to_owned(), None, 3));
}

#[test]
fn the_floor_only_tightens() {
    let floor = Floor {
        min_approvals: 2,
        required_policies: [MODULE.parse().unwrap(), Digest::of(b"other")].into(),
        backends: Some(["s3://state".parse().unwrap()].into()),
        trusted_groups: Some([SRE.parse().unwrap()].into()),
    };
    let settings = Settings::read(&[layer("infra", INFRA)], &floor).unwrap();
    let counts: Vec<_> = settings.stacks.values().map(|c| c.approve.count).collect();
    assert_eq!(counts, [3, 2, 2, 2]);
    assert!(settings.policies.values().all(|p| p.effect == PolicyEffect::Enforce));
    assert_eq!(settings.policies.len(), 2);
    assert_eq!(settings.trust.groups, BTreeSet::new());
    insta::assert_json_snapshot!(settings.notes);

    let error = Settings::read(&[layer("infra", &with_claim(""))], &floor).unwrap_err();
    insta::assert_snapshot!(error.to_string());
}

#[rstest]
#[case::mode("mode = \"deploy\"", "mode = \"gate\"", false)]
#[case::operators("operators = \"SRE\"", "operators = \"Platform\"", false)]
#[case::previewing("timeout_minutes = 15", "timeout_minutes = 16", false)]
#[case::another_stack("reads = [\"network-staging\"]", "reads = []", false)]
#[case::comments("schema = 1", "schema = 1 # one", false)]
#[case::approvers("count = 3", "count = 4", true)]
#[case::trust("groups = [\"Platform\"]", "groups = [\"SRE\"]", true)]
#[case::policy("limit = 20", "limit = 21", true)]
#[case::effect("effect = \"advise\"", "effect = \"enforce\"", true)]
#[case::backend("backend = \"s3://state\"", "backend = \"s3://other\"", true)]
#[case::reads("reads = [\"network-prod\"]", "reads = []", true)]
fn a_binding_holds_until_what_governs_its_stack_changes(
    #[case] before: &str,
    #[case] after: &str,
    #[case] differs: bool,
) {
    let id = "app-prod".parse().unwrap();
    let old = read(INFRA).unwrap();
    assert!(INFRA.contains(before));
    let new = read(&INFRA.replace(before, after)).unwrap();
    assert_eq!(old.claim_digest(&id) != new.claim_digest(&id), differs);
    assert!(old.claim_digest(&id).is_some());
    assert_eq!(old.claim_digest(&"nobody".parse().unwrap()), None);
}

#[test]
fn the_digest_is_of_what_is_effective_not_of_who_said_it() {
    let at_once = inherited(&["", &with_claim("[defaults]\nbranch = \"trunk\"\n")]);
    let inherited =
        inherited(&["schema = 1\n[defaults]\nbranch = \"refs/heads/trunk\"\n", &with_claim("")]);
    assert_eq!(at_once.digest, inherited.digest);
    assert_ne!(at_once.sources, []);
}

#[test]
fn claims_clash_over_projects() {
    let one = read(&with_claim("")).unwrap();
    let two = read(&second("")).unwrap();
    let projects = [("one", one.clone()), ("two", two)].map(|(name, s)| (name.parse().unwrap(), s));
    let told: Vec<_> = clashes(&projects.into()).iter().map(ToString::to_string).collect();
    insta::assert_json_snapshot!(told);
    assert_eq!(clashes(&[("one".parse().unwrap(), one)].into()), []);
}

#[test]
fn the_verb_reads_and_writes_json() {
    let input = SettingsInput { layers: vec![layer("infra", INFRA)], floor: Floor::default() };
    let answer = verb(&serde_json::to_vec(&input).unwrap()).unwrap();
    assert_eq!(serde_json::from_slice::<Settings>(&answer).unwrap(), read(INFRA).unwrap());
    let error = verb(b"{\"layers\":[],\"flor\":{}}").unwrap_err();
    assert!(error.starts_with("settings: unknown field `flor`"), "{error}");
}

#[test]
fn the_documentations_examples_are_read() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/settings.md");
    let page = std::fs::read_to_string(path).unwrap();
    let examples: Vec<&str> = page
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or_default())
        .collect();
    assert_eq!(examples.len(), 2);
    for example in examples {
        read(example).unwrap();
    }
}

/// Words that make up settings, so that random texts get past the lexer.
fn word() -> impl Strategy<Value = String> {
    const KNOWN: &[&str] = &[
        "schema = 1\n",
        "[[stack]]\n",
        "[defaults]\n",
        "[trust]\n",
        "[[environment]]\n",
        "[[policy]]\n",
        "id = ",
        "project = ",
        "stack = ",
        "path = ",
        "reads = ",
        "inputs = ",
        "approve = ",
        "approve.",
        "count = ",
        "name = ",
        "module = ",
        "settings = ",
        "groups = ",
        "environment = ",
        "mode = ",
        "\"a\"",
        "\"b\"",
        "\"gate\"",
        "\"x/y\"",
        "1",
        "2",
        "[",
        "]",
        "{",
        "}",
        ",",
        "\n",
        "\n",
        "=",
        ".",
        "'''",
        "\"\"\"",
        "#",
        "1.5",
        "true",
        "2024-01-01",
        "\u{fffd}",
        "\0",
    ];
    prop_oneof![8 => prop::sample::select(KNOWN).prop_map(str::to_owned), 1 => ".{0,3}"]
}

proptest! {
    #[test]
    fn no_text_makes_settings_panic(
        parent in prop::collection::vec(word(), 0..40),
        own in prop::collection::vec(word(), 0..80),
        groups in "[a\t\n#]{0,20}",
    ) {
        let layers = [parent.concat(), own.concat()].map(|text| SettingsLayer {
            groups: groups.clone(),
            ..layer("p", &text)
        });
        let _ = Settings::read(&layers, &Floor::default());
    }

    #[test]
    fn no_bytes_make_the_verb_panic(input in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = verb(&input);
    }

    #[test]
    fn the_order_of_claims_does_not_matter(order in Just((0..6_usize).collect::<Vec<_>>()).prop_shuffle()) {
        let text = |order: &[usize]| order.iter().fold("schema = 1\n".to_owned(), |text, i| {
            let reads = if *i > 0 { format!("\"s{}\"", i - 1) } else { String::new() };
            text + &format!(
                "[[stack]]\nid = \"s{i}\"\nproject = \"p\"\nstack = \"s{i}\"\npath = \"x\"\nreads = [{reads}]\n"
            )
        });
        prop_assert_eq!(read(&text(&order)).unwrap(), read(&text(&[0, 1, 2, 3, 4, 5])).unwrap());
    }
}
