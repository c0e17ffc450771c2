//! A store with one change and its rollout, and its pages on loopback.

use crate::Pages;
use serde_json::{Value, json};
use std::convert::Infallible;
use tempfile::TempDir;
use tidegate_core::ids::PatchSetNumber;
use tidegate_core::record::{Binding, Published};
use tidegate_store::{Cause, Digest, Store, Transition};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub(super) const CHANGE: &str = "srv/infra/12";
pub(super) const BRANCH: &str = "srv/infra/refs/heads/main";
pub(super) const REVISION: &str = "0123456789abcdef0123456789abcdef01234567";
/// What a program could call a resource, and a person a reason.
pub(super) const HOSTILE: &str = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>";

/// Steps with secrets, as the core told them of a real preview.
const SECRETS: &str = include_str!("../../../../tests/corpus/steps/secrets/steps.json");

pub(super) struct Filled {
    store: Store,
    pages: Pages,
    _folder: TempDir,
}

impl Filled {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store.db")).unwrap();
        let pages = Pages::new((*store).clone());
        Self { store, pages, _folder: folder }
    }

    /// One change in review, previewed and published.
    pub(super) fn with_a_change() -> Self {
        let site = Self::new();
        let steps = site.blob(SECRETS.as_bytes(), false);
        let list =
            Published::new(PatchSetNumber(2), [("app-staging".parse().unwrap(), binding())].into());
        let summary = summary(&steps);
        let name = binding().name();
        let state = json!({
            "schema": 1, "server": "srv", "project": "infra", "number": 12, "made": 3,
            "reading": null, "again": false,
            "seen": {
                "patch_set": 2, "revision": REVISION, "branch": "refs/heads/main",
                "target": REVISION, "publisher": 7, "plugin": true, "vote": null,
                "floor": {"min_approvals": 1, "required_policies": [], "backends": null,
                          "trusted_groups": null},
                "closing": "Needs Code-Review +2.",
                "looked": {"previewing": {"stacks": {
                    "app-staging": preview("app/staging", &json!({"planned": {"summary": summary}})),
                    "app-prod": preview(HOSTILE, &json!({"failed": {"output": null, "reason": {
                        "code": "preview-failed", "text": HOSTILE, "cure": HOSTILE,
                    }}})),
                }}},
            },
            "published": [list],
            "plans": {name.as_str(): plan(&steps)},
            "record": {"commit": null, "text": null, "writing": null},
            "posted": {"said": null, "posting": null},
            "verdict": {
                "schema": 1, "submittable": false, "outcome": "waiting",
                "summary": "1 of 1 approvals are missing",
                "reasons": [{"code": "approval-missing", "stack": "app-staging",
                             "text": "1 of 1 approvals are missing",
                             "cure": "vote Code-Review +2"}],
                "stacks": {"app-staging": {"binding": name, "approvals": 0, "needed": 1}},
            },
        });
        site.put(CHANGE, "review", &state);
        site
    }

    /// The change was submitted: one stack is deployed, one is held with a new plan.
    pub(super) fn roll_out(&self) {
        let steps = self.blob(SECRETS.as_bytes(), false);
        let open = |wave: u32, title: &str, progress: Value| {
            json!({
                "wave": wave, "title": title, "change": 12, "below": [], "attempts": 2,
                "offer": {"plan": plan(&steps), "list": null, "summary": summary(&steps)},
                "progress": progress,
            })
        };
        let hold = json!({"held": {"hold": {
            "reason": {"code": "plan-not-covered",
                       "text": "what would run now is not what was approved",
                       "cure": "approve the new plan"},
            "details": [HOSTILE], "since_ms": 5_000, "next": "approval",
        }}});
        let deployed = json!({"deployed": {
            "took_ms": 1_500, "output": steps.to_string(), "checkpoint": "log.example 7 abc",
        }});
        let state = json!({
            "schema": 1, "server": "srv", "project": "infra", "branch": "refs/heads/main",
            "made": 9, "reading": null, "again": false, "tip": REVISION, "walked": REVISION,
            "count": 1, "trouble": null,
            "deployed": {"app-staging": {
                "revision": REVISION, "number": 1, "state": null, "at_ms": 9_000,
                "adopted": {"by": "admin", "reason": HOSTILE},
            }},
            "runs": {}, "outputs": {}, "shadows": [],
            "rollouts": [{
                "number": 1, "revision": REVISION, "changes": [12], "found_ms": 4_000,
                "stacks": {
                    "app-staging": open(0, "app/staging", deployed),
                    "app-prod": open(1, HOSTILE, hold),
                },
                "released": false, "published": {}, "said": null,
            }],
            "heard": [], "posting": [],
        });
        self.put(BRANCH, "branch", &state);
    }

    fn put(&self, key: &str, kind: &str, state: &Value) {
        let transition = Transition::to(serde_json::to_vec(state).unwrap());
        self.store
            .advance(Cause::Other, key, kind, 1_000, |_| Ok::<_, Infallible>(transition))
            .unwrap();
    }

    /// Adds an entry to the log's outbox.
    pub(super) fn log(&self, subject: &str, time: i64, code: &str, ids: &Value) {
        let digests = json!({"list": "0a".repeat(32), "binding": "0b".repeat(32)});
        let leaf = json!({
            "time": time, "code": code, "subject": subject, "ids": ids, "digests": digests,
            "account": 1,
        });
        let mut transition = Transition::to("{}");
        transition.leaves = vec![serde_json::to_vec(&leaf).unwrap()];
        self.store
            .advance(Cause::Other, "log", "other", time, |_| Ok::<_, Infallible>(transition))
            .unwrap();
    }

    pub(super) fn blob(&self, bytes: &[u8], secret: bool) -> Digest {
        self.store.put_blob(bytes, secret, 1_000).unwrap()
    }

    /// What a browser would get, with the headers.
    pub(super) async fn get(&self, path: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let serving = tokio::spawn(self.pages.clone().serve(listener, async {
            // Either way it is time to stop.
            let _ = stopped.await;
        }));
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        stop.send(()).unwrap();
        serving.await.unwrap().unwrap();
        String::from_utf8(answer).unwrap()
    }
}

/// Steps that create resources with names that nobody wants.
pub(super) fn hostile_steps(count: u32) -> Vec<u8> {
    let step = |n: u32| {
        json!({
            "urn": format!("urn:pulumi:{HOSTILE}::p::t:i:T::{HOSTILE}{n:04}"),
            "operation": "create", "type": format!("t:i:{HOSTILE}"), "custom": true,
            "changes": {HOSTILE: {"new": {HOSTILE: [HOSTILE, null, true, {"number": "1"}]}}},
        })
    };
    let counts = json!({
        "create": count, "update": 0, "replace": 0, "delete": 0, "import": 0, "options": 0,
        "outputs": 0, "same": 0,
    });
    let steps: Vec<_> = (0..count).map(step).collect();
    let digest = "0c".repeat(32);
    serde_json::to_vec(&json!({
        "schema": 1, "steps": steps, "reads": [], "digest": digest, "counts": counts,
        "opaque": 0, "unknown": 0, "secrets": 0,
    }))
    .unwrap()
}

fn binding() -> Binding {
    let digest = "0d".repeat(32);
    Binding {
        stack: "app-staging".parse().unwrap(),
        revision: REVISION.parse().unwrap(),
        steps: digest.parse().unwrap(),
        settings: digest.parse().unwrap(),
    }
}

fn plan(steps: &Digest) -> Value {
    let digest = "0e".repeat(32);
    json!({
        "binding": binding(), "plan_file": digest, "steps_blob": steps.to_string(), "markers": [],
        "look": {"state": digest, "inputs": null, "versions": {}}, "asked_ms": 2_000,
    })
}

fn preview(title: &str, state: &Value) -> Value {
    let digest = "0e".repeat(32);
    json!({
        "key": digest, "settings": digest, "wave": 0, "title": title, "inputs": null,
        "asked_ms": 2_000, "state": state,
    })
}

fn summary(steps: &Digest) -> Value {
    let digest = "0e".repeat(32);
    json!({
        "steps": digest, "steps_blob": steps.to_string(), "plan_file": digest, "output": digest,
        "markers": [], "state": digest, "opaque": 2, "unknown": 0, "took_ms": 1_234,
        "counts": {"create": 0, "update": 4, "replace": 0, "delete": 0, "import": 0,
                   "options": 0, "outputs": 0, "same": 1},
        "policies": {
            "guardrails": {"module": digest, "outcome": {"findings": [
                {"severity": "mandatory", "code": "deletes", "sentence": HOSTILE, "cure": "keep it"},
            ]}},
            "quotas": {"module": digest, "outcome": {"failed": {"text": "it traps"}}},
        },
        "worst": [{"op": "update", "type": "t:i:T", "name": HOSTILE}],
        "versions": {"pulumi": "3.259.0"},
    })
}
