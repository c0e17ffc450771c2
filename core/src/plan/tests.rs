//! Plans as a whole: what touches a stack, who reads it, and in what order they are rolled out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::settings::{Floor, SettingsLayer};
use proptest::prelude::*;
use rstest::rstest;
use std::fmt::Write as _;

/// `network` and `app`, each in `staging` and `prod`, and `docs` of another branch that reads `app`.
const INFRA: &str = r#"
schema = 1
[[environment]]
name = "staging"
[[environment]]
name = "prod"
[defaults]
environment = "prod"

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
path = "network"

[[stack]]
id = "app-staging"
project = "app"
stack = "staging"
path = "apps/web"
environment = "staging"
inputs = ["lib/common", "versions.json", "vendor/charts/web"]
reads = ["network-staging"]

[[stack]]
id = "app-prod"
project = "app"
stack = "prod"
path = "apps/web"
inputs = ["lib", "lib/common", "apps/web/Pulumi.shared.yaml"]
reads = ["network-prod"]

[[stack]]
id = "docs"
project = "docs"
stack = "live"
path = "docs"
branch = "pages"
reads = ["app-prod"]
"#;

fn settings(text: &str) -> Settings {
    let layer = SettingsLayer {
        project: "infra".parse().unwrap(),
        commit: "65c08a7b0435a3251dc68a174b80349842e36d74".parse().unwrap(),
        text: text.to_owned(),
        groups: String::new(),
    };
    Settings::read(&[layer], &Floor::default()).unwrap()
}

fn id(text: &str) -> StackId {
    text.parse().unwrap()
}

/// `a>b c>d` are two references.
fn references(text: &str) -> References {
    let mut references = References::new();
    for (reader, read) in text.split_whitespace().map(|word| word.split_once('>').unwrap()) {
        references.entry(id(reader)).or_default().insert(id(read));
    }
    references
}

fn run(text: &str, changed: &[&str], observed: &str) -> Result<Planning, PlanError> {
    let changed: Vec<String> = changed.iter().map(|path| (*path).to_owned()).collect();
    let branch = "refs/heads/main".parse().unwrap();
    plan(&settings(text), &branch, &changed, &references(observed)).map(Planning::from)
}

fn planned(text: &str, changed: &[&str], observed: &str) -> DeploymentPlan {
    match run(text, changed, observed).unwrap() {
        Planning::Plan(plan) => plan,
        Planning::NoneOfOurs { .. } => panic!("nothing is planned"),
    }
}

fn waves(plan: &DeploymentPlan) -> String {
    let waves = plan
        .waves
        .iter()
        .map(|wave| wave.iter().map(StackId::as_str).collect::<Vec<_>>().join(","));
    waves.collect::<Vec<_>>().join(" | ")
}

fn reasons(planned: &Planned) -> String {
    let reasons = planned.reasons.iter().map(|reason| match reason {
        Reason::Own { path } => format!("own {path}"),
        Reason::StackFile { path } => format!("file {path}"),
        Reason::Input { path, prefix } => format!("input {path} of {prefix}"),
        Reason::Reads { stack } => format!("reads {stack}"),
    });
    let mut text = reasons.collect::<Vec<_>>().join(", ");
    if planned.more_paths > 0 {
        write!(text, " +{}", planned.more_paths).unwrap();
    }
    text
}

#[rstest]
#[case::own_folder("apps/web/index.ts", "app-staging | app-prod")]
#[case::deep_in_it("apps/web/src/a/b.ts", "app-staging | app-prod")]
#[case::the_folder_itself("apps/web", "app-staging | app-prod")]
#[case::a_link_in_its_way("apps", "app-staging | app-prod")]
#[case::only_prods_file("apps/web/Pulumi.prod.yaml", "app-prod")]
#[case::only_stagings_file("apps/web/Pulumi.staging.yml", "app-staging")]
#[case::project_file("apps/web/Pulumi.yaml", "app-staging | app-prod")]
#[case::stack_file_elsewhere_in_it("apps/web/config/Pulumi.prod.yaml", "app-staging | app-prod")]
#[case::a_stack_file_named_as_input("apps/web/Pulumi.shared.yaml", "app-prod")]
#[case::input_folder("lib/common/tags.ts", "app-staging | app-prod")]
#[case::input_of_one("lib/other/x.ts", "app-prod")]
#[case::input_file("versions.json", "app-staging")]
#[case::submodule_above_an_input("vendor/charts", "app-staging")]
#[case::readers_too("network/vpc.ts", "network-staging | app-staging | network-prod | app-prod")]
#[case::reader_of_one("network/Pulumi.staging.yaml", "network-staging | app-staging")]
fn a_path_touches_the_stacks_that_are_made_from_it(#[case] path: &str, #[case] expected: &str) {
    let plan = planned(INFRA, &[path], "");
    assert_eq!(waves(&plan), expected);
    assert_eq!(plan.ignored, 0);
}

#[rstest]
#[case::nothing(&[], 0)]
#[case::other_folder(&["README.md"], 1)]
#[case::whole_parts_only(&["apps/website/x", "networks/x", "versions.json.bak"], 3)]
#[case::stack_file_of_nobody(&["network/Pulumi.alice.yaml"], 1)]
#[case::below_an_input_file(&["versions.jsonx/y"], 1)]
#[case::another_branch(&["docs/index.md"], 1)]
#[case::gerrits_own(&["/COMMIT_MSG", "/MERGE_LIST"], 2)]
#[case::twice(&["a", "a"], 1)]
fn other_paths_are_none_of_ours(#[case] paths: &[&str], #[case] count: u32) {
    assert_eq!(run(INFRA, paths, ""), Ok(Planning::NoneOfOurs { ignored: count }));
}

#[rstest]
#[case::absolute_git_path("a//b")]
#[case::parent("../x")]
#[case::dot("a/./b")]
#[case::folder("network/")]
#[case::empty("")]
fn a_text_that_is_no_path_is_an_error(#[case] path: &str) {
    assert!(matches!(run(INFRA, &[path], ""), Err(PlanError::NotAPath { .. })));
}

#[test]
fn reasons_are_told_once_and_counted() {
    let paths =
        ["apps/web/Pulumi.prod.yaml", "apps/web/a.ts", "lib/common/x", "lib/y", "network/z", "w"];
    let plan = planned(INFRA, &paths, "");
    assert_eq!(
        reasons(&plan.stacks[&id("app-prod")]),
        "file apps/web/Pulumi.prod.yaml, own apps/web/a.ts, input lib/common/x of lib, \
         input lib/y of lib, reads network-prod"
    );
    assert_eq!(
        reasons(&plan.stacks[&id("app-staging")]),
        "own apps/web/a.ts, input lib/common/x of lib/common, reads network-staging"
    );
    assert_eq!(plan.stacks[&id("app-prod")].wave, 3);
    assert_eq!(plan.elsewhere, [id("docs")].into());
    assert_eq!(plan.ignored, 1);
}

#[test]
fn more_paths_than_are_told_are_counted() {
    let paths: Vec<String> = (0..25).map(|i| format!("network/{i:02}")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let plan = planned(INFRA, &paths, "");
    let network = &plan.stacks[&id("network-prod")];
    assert_eq!(network.reasons.len(), REASONS);
    assert_eq!(network.more_paths, 15);
    assert_eq!(network.reasons[9], Reason::Own { path: "network/09".to_owned() });
}

#[test]
fn more_stacks_read_than_are_told_are_counted() {
    let mut text = "schema = 1\n".to_owned();
    for i in 0..=REASONS + 2 {
        let reads = if i == REASONS + 2 {
            (0..i).map(|r| format!("\"s{r}\",")).collect()
        } else {
            String::new()
        };
        write!(
            text,
            "[[stack]]\nid = \"s{i}\"\nproject = \"p\"\nstack = \"s{i}\"\npath = \"x\"\nreads = [{reads}]\n"
        )
        .unwrap();
    }
    let plan = planned(&text, &["x/y"], "");
    let last = &plan.stacks[&id("s12")];
    assert_eq!((last.wave, last.reasons.len(), last.more_reads), (1, 1 + REASONS, 2));
}

/// One stack whose folder lies in one of its inputs, and whose folder holds others.
const NESTED: &str = "schema = 1\n[[stack]]\nid = \"a\"\nproject = \"p\"\nstack = \"s\"\npath = \"x/y\"\n\
                      inputs = [\"x\", \"x/y/z\", \"x-1\"]\n";

#[rstest]
#[case::own_and_input(&["x/y/1", "x/2", "x/y/z/3"], "own x/y/1, own x/y/z/3, input x/2 of x")]
#[case::other_stack_file(&["x/y/Pulumi.t.yaml"], "input x/y/Pulumi.t.yaml of x")]
#[case::own_stack_file(&["x/y/Pulumi.s.yaml"], "file x/y/Pulumi.s.yaml")]
#[case::folder_replaced(&["x/y"], "own x/y")]
#[case::both_replaced(&["x"], "own x")]
#[case::not_by_text(&["x-1/a", "x-2/b"], "input x-1/a of x-1")]
fn a_path_counts_once_when_prefixes_hold_each_other(#[case] paths: &[&str], #[case] told: &str) {
    assert_eq!(reasons(&planned(NESTED, paths, "").stacks[&id("a")]), told);
}

#[test]
fn an_input_that_is_the_programs_folder_takes_other_stacks_files() {
    let text = "schema = 1\n[[stack]]\nid = \"a\"\nproject = \"p\"\nstack = \"s\"\npath = \".\"\ninputs = [\".\"]\n";
    let plan = planned(text, &["Pulumi.t.yaml", "x"], "");
    assert_eq!(reasons(&plan.stacks[&id("a")]), "own x, input Pulumi.t.yaml of .");
}

#[rstest]
#[case::a_seen_reference_plans_its_reader(
    "network-staging>app-staging",
    "apps/web/Pulumi.staging.yaml",
    "cycle"
)]
#[case::a_seen_reference_orders("network-prod>app-prod", "versions.json", "app-staging")]
#[case::later_environment("app-staging>app-prod", "lib/other", "against")]
#[case::strangers("app-prod>elsewhere elsewhere>app-prod", "lib/other", "app-prod")]
#[case::itself("app-prod>app-prod", "lib/other", "app-prod")]
#[case::over_environments("app-prod>app-staging", "versions.json", "app-staging | app-prod")]
fn observed_references_count_like_declared_ones(
    #[case] observed: &str,
    #[case] path: &str,
    #[case] expected: &str,
) {
    let told = match run(INFRA, &[path], observed) {
        Ok(Planning::Plan(plan)) => waves(&plan),
        Err(PlanError::Cycle { .. }) => "cycle".to_owned(),
        Err(PlanError::AgainstEnvironments { .. }) => "against".to_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(told, expected);
}

#[test]
fn a_disorder_names_the_whole_circle_and_what_was_only_seen() {
    let circle = run(INFRA, &["network/x"], "network-staging>app-staging").unwrap_err();
    let against = run(INFRA, &["lib/x"], "app-staging>app-prod").unwrap_err();
    insta::assert_snapshot!(format!("{circle}\n{against}"));
}

#[test]
fn the_verb_reads_and_writes_json() {
    let input = serde_json::json!({
        "layers": [{
            "project": "infra",
            "commit": "65c08a7b0435a3251dc68a174b80349842e36d74",
            "text": INFRA,
        }],
        "branch": "refs/heads/main",
        "changed": ["network/x", "README.md"],
        "observed": { "app-prod": ["network-prod"] },
    });
    let answer = verb(input.to_string().as_bytes()).unwrap();
    let planning: Planning = serde_json::from_slice(&answer).unwrap();
    insta::assert_json_snapshot!(planning);
    let error = verb(b"{}").unwrap_err();
    assert!(error.starts_with("plan: missing field `layers`"), "{error}");
}

#[rstest]
#[case::paths(limits::CHANGED_PATHS + 1, 0, "200001 changed paths")]
#[case::references(1, REFERENCES + 1, "50001 observed references")]
fn limits_are_kept(#[case] paths: usize, #[case] references: usize, #[case] expected: &str) {
    let changed = vec!["network/x".to_owned(); paths];
    let mut observed = References::new();
    for i in 0..references {
        observed.entry(id(&format!("r{}", i / 100))).or_default().insert(id(&format!("s{i}")));
    }
    let branch = "refs/heads/main".parse().unwrap();
    let error = plan(&settings(INFRA), &branch, &changed, &observed).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

/// As many stacks as may be claimed, all made from the same two folders.
fn crowd() -> Settings {
    let claims = (0..limits::STACKS).map(|i| {
        format!("[[stack]]\nid = \"s{i}\"\nproject = \"p\"\nstack = \"s{i}\"\npath = \"a\"\ninputs = [\"b\"]\n")
    });
    settings(&claims.fold("schema = 1\n".to_owned(), |text, claim| text + &claim))
}

#[test]
fn each_path_is_walked_once_however_many_stacks_it_touches() {
    let settings = crowd();
    let paths: Vec<String> = (0..limits::CHANGED_PATHS).map(|i| format!("a/{i}/c/d/e")).collect();
    let mut prefixes = Prefixes::new(&settings.stacks.values().collect::<Vec<_>>());
    for path in &paths {
        assert!(prefixes.add(path));
    }
    // The root and `a`.
    assert_eq!(prefixes.visited, 2 * paths.len());
}

#[test]
fn the_largest_change_of_the_largest_project_is_planned() {
    let paths: Vec<String> = (0..limits::CHANGED_PATHS).map(|i| format!("b/{i}")).collect();
    let branch = "refs/heads/main".parse().unwrap();
    let plan = plan(&crowd(), &branch, &paths, &References::new()).unwrap();
    assert_eq!(plan.waves.len(), 1);
    assert_eq!(plan.stacks.len(), limits::STACKS);
    assert!(plan.stacks.values().all(|planned| planned.more_paths == 199_990));
}

/// Claims in some of a few folders, the first being the whole repository, that read each other downwards, so that they are in order.
fn any_settings(folders: std::ops::Range<usize>) -> impl Strategy<Value = Settings> {
    let claim = (
        folders.start..4,
        prop::collection::vec(folders, 0..3),
        prop::collection::btree_set(0_usize..8, 0..3),
        0_u32..3,
    );
    prop::collection::vec(claim, 1..8).prop_map(|claims| {
        const FOLDERS: &[&str] = &[".", "a", "a/b", "c", "c/d", "c-d"];
        let mut text =
            "schema = 1\n[[environment]]\nname = \"e0\"\n[[environment]]\nname = \"e1\"\n\
                        [[environment]]\nname = \"e2\"\n"
                .to_owned();
        let ranks: Vec<u32> = claims.iter().map(|claim| claim.3).collect();
        for (i, (folder, inputs, reads, rank)) in claims.into_iter().enumerate() {
            let inputs: Vec<_> =
                inputs.into_iter().map(|i| format!("\"{}\"", FOLDERS[i])).collect();
            let reads: Vec<_> = reads
                .into_iter()
                .filter(|r| *r < i && ranks[*r] <= rank)
                .map(|r| format!("\"s{r}\""))
                .collect();
            write!(
                text,
                "[[stack]]\nid = \"s{i}\"\nproject = \"p\"\nstack = \"s{i}\"\npath = \"{}\"\n\
                 environment = \"e{rank}\"\ninputs = [{}]\nreads = [{}]\n",
                FOLDERS[folder],
                inputs.join(","),
                reads.join(",")
            )
            .unwrap();
        }
        settings(&text)
    })
}

fn any_path() -> impl Strategy<Value = String> {
    const PARTS: &[&str] =
        &["a", "b", "c", "d", "c-d", "Pulumi.s1.yaml", "Pulumi.x.yaml", "Pulumi.yaml", "é"];
    prop::collection::vec(prop::sample::select(PARTS), 1..4).prop_map(|parts| parts.join("/"))
}

fn any_references() -> impl Strategy<Value = References> {
    prop::collection::vec((0_usize..9, 0_usize..9), 0..6).prop_map(|edges| {
        let mut all = References::new();
        for (reader, read) in edges {
            all.entry(id(&format!("s{reader}"))).or_default().insert(id(&format!("s{read}")));
        }
        all
    })
}

/// Whether `path` touches the claim, said as plainly as the documentation does.
fn touches(claim: &Claim, path: &str) -> bool {
    let above = |prefix: &str| prefix.starts_with(&format!("{path}/"));
    let input =
        claim.inputs.iter().any(|input| input.below(path).is_some() || above(input.as_str()));
    let own = claim.path.below(path).is_some_and(|rest| {
        let name = rest.strip_prefix("Pulumi.").and_then(|rest| rest.strip_suffix(".yaml"));
        rest.contains('/') || name.is_none_or(|name| name == claim.stack.as_str())
    });
    input || own || above(claim.path.as_str())
}

proptest! {
    #[test]
    fn plans_do_not_depend_on_order_and_hold_their_edges(
        settings in any_settings(0..6),
        mut changed in prop::collection::vec(any_path(), 0..12),
        observed in any_references(),
        seed in any::<prop::sample::Index>(),
    ) {
        let branch = "refs/heads/main".parse().unwrap();
        let first = plan(&settings, &branch, &changed, &observed).map(Planning::from);
        let middle = if changed.is_empty() { 0 } else { seed.index(changed.len()) };
        changed.rotate_left(middle);
        changed.extend(changed.first().cloned());
        let again = plan(&settings, &branch, &changed, &observed).map(Planning::from);
        prop_assert_eq!(&again, &first);

        let distinct: BTreeSet<&String> = changed.iter().collect();
        let plan = match first {
            Ok(Planning::Plan(plan)) => plan,
            Ok(Planning::NoneOfOurs { ignored }) => {
                prop_assert_eq!(ignored as usize, distinct.len());
                prop_assert!(!settings.stacks.values().any(|c| distinct.iter().any(|p| touches(c, p))));
                return Ok(());
            }
            Err(PlanError::Cycle { cycle, .. }) => {
                prop_assert!(cycle.len() > 1);
                return Ok(());
            }
            Err(PlanError::AgainstEnvironments { reader, read, .. }) => {
                let rank = |id| settings.rank(&settings.stacks[id]);
                prop_assert!(rank(&reader) < rank(&read));
                return Ok(());
            }
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        };
        let ignored = distinct.iter().filter(|p| !settings.stacks.values().any(|c| touches(c, p)));
        prop_assert_eq!(plan.ignored as usize, ignored.count());
        prop_assert_eq!(plan.waves.iter().map(Vec::len).sum::<usize>(), plan.stacks.len());
        for (id, planned) in &plan.stacks {
            prop_assert!(plan.waves[planned.wave as usize].contains(id));
            let claim = &settings.stacks[id];
            let paths = distinct.iter().filter(|path| touches(claim, path)).count();
            let told = planned.reasons.iter().filter(|r| !matches!(r, Reason::Reads { .. })).count();
            prop_assert_eq!(told + planned.more_paths as usize, paths, "{}: {}", id, reasons(planned));
            prop_assert!(!planned.reasons.is_empty());
            for read in claim.reads.iter().chain(observed.get(id).into_iter().flatten()) {
                let is_read = read != id && plan.stacks.contains_key(read);
                prop_assert!(!is_read || plan.stacks[read].wave < planned.wave);
                let reason = Reason::Reads { stack: read.clone() };
                prop_assert!(!is_read || planned.reasons.contains(&reason));
            }
            for (other, other_planned) in &plan.stacks {
                let (rank, other_rank) = (settings.rank(claim), settings.rank(&settings.stacks[other]));
                prop_assert!(rank <= other_rank || other_planned.wave < planned.wave);
            }
        }
        for (id, claim) in &settings.stacks {
            let reads = claim.reads.iter().chain(observed.get(id).into_iter().flatten());
            let reads_planned = reads.into_iter().any(|read| read != id && plan.stacks.contains_key(read));
            let is_touched = distinct.iter().any(|path| touches(claim, path));
            prop_assert_eq!(plan.stacks.contains_key(id), is_touched || reads_planned);
        }
    }

    #[test]
    fn an_unrelated_path_changes_only_the_count(
        settings in any_settings(1..6),
        mut changed in prop::collection::vec(any_path(), 0..8),
    ) {
        let branch = "refs/heads/main".parse().unwrap();
        let none = References::new();
        let before = plan(&settings, &branch, &changed, &none).unwrap();
        changed.push("unrelated/README.md".to_owned());
        let mut after = plan(&settings, &branch, &changed, &none).unwrap();
        after.ignored -= 1;
        prop_assert_eq!(before, after);
    }

    #[test]
    fn no_paths_make_planning_panic(
        settings in any_settings(0..6),
        changed in prop::collection::vec("[a-d/.P]{0,8}|.{0,5}", 0..8),
        observed in any_references(),
    ) {
        let _ = plan(&settings, &"refs/heads/main".parse().unwrap(), &changed, &observed);
    }

    #[test]
    fn no_bytes_make_the_verb_panic(input in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = verb(&input);
    }
}
