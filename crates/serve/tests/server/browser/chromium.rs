//! Chromium without a window, driven by its DevTools protocol over a pipe: messages of JSON with a zero byte behind each.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Chromium {
    child: Child,
    input: ChildStdin,
    messages: Receiver<Value>,
    next: u64,
    session: String,
    /// What the page did meanwhile.
    events: Vec<Value>,
    pub folder: tempfile::TempDir,
}

impl Chromium {
    /// Starts one with a page; `camera` is the file (Y4M) that its webcam shows.
    pub fn start(camera: Option<&Path>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The pipe is at the descriptors 3 and 4.
        let mut command = Command::new("sh");
        command.args(["-c", "exec 3<&0 4>&1; exec chromium \"$@\" </dev/null >/dev/null 2>/dev/null", "chromium"]);
        command.args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--remote-debugging-pipe",
        ]);
        command.args(["--no-first-run", "--disable-extensions", "--disable-background-networking", "--disable-sync"]);
        command.args([
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            "--window-size=1280,900",
        ]);
        command.arg(format!("--user-data-dir={}", folder.path().join("profile").display()));
        if let Some(camera) = camera {
            command.arg(format!("--use-file-for-fake-video-capture={}", camera.display()));
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (send, messages) = channel();
        std::thread::spawn(move || {
            for message in BufReader::new(output).split(0).map_while(Result::ok) {
                if send.send(serde_json::from_slice(&message).unwrap()).is_err() {
                    return;
                }
            }
        });
        let mut chromium = Self { child, input, messages, next: 0, session: String::new(), events: Vec::new(), folder };
        let target = chromium.call("Target.createTarget", json!({ "url": "about:blank" }))["targetId"].clone();
        let attached = chromium.call("Target.attachToTarget", json!({ "targetId": target, "flatten": true }));
        chromium.session = attached["sessionId"].as_str().unwrap().to_owned();
        for domain in ["Page", "Runtime", "Network", "Log", "DOM"] {
            chromium.call(&format!("{domain}.enable"), json!({}));
        }
        chromium
    }

    pub fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.next += 1;
        let mut message = json!({ "id": self.next, "method": method, "params": parameters });
        if !self.session.is_empty() {
            message["sessionId"] = self.session.as_str().into();
        }
        self.input.write_all(&[message.to_string().as_bytes(), b"\0"].concat()).unwrap();
        loop {
            let answer = self.messages.recv_timeout(PATIENCE).unwrap_or_else(|e| panic!("{method}: {e}"));
            if answer["id"] == self.next {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].clone();
            }
            self.events.push(answer);
        }
    }

    /// The value of an expression of JavaScript, which may be a promise.
    pub fn value(&mut self, expression: &str) -> Value {
        let parameters =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true });
        let result = self.call("Runtime.evaluate", parameters);
        assert!(result.get("exceptionDetails").is_none(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    pub fn text(&mut self, expression: &str) -> String {
        self.value(expression).as_str().unwrap_or_default().to_owned()
    }

    pub fn number(&mut self, expression: &str) -> f64 {
        self.value(expression).as_f64().unwrap_or(f64::NAN)
    }

    /// Waits until an expression is true.
    pub fn until(&mut self, expression: &str) {
        let began = Instant::now();
        while self.value(&format!("Boolean({expression})")) != true {
            if began.elapsed() > PATIENCE {
                let alert = self.text(
                    "(document.getElementById('alert')?.textContent ?? '') + (document.getElementById('status')?.textContent ?? '')",
                );
                panic!("not so: {expression}; the page says `{alert}`; {:?}", self.complaints());
            }
            std::thread::sleep(Duration::from_millis(40));
        }
    }

    pub fn open(&mut self, address: &str) {
        self.call("Page.navigate", json!({ "url": address }));
        self.until(
            "document.documentElement?.dataset.ready || !(document.getElementById('token-form')?.hidden ?? true)",
        );
    }

    pub fn click(&mut self, selector: &str) {
        self.value(&format!("document.querySelector({selector:?}).click()"));
    }

    /// Chooses files as the dialog of an `<input>` does.
    pub fn choose(&mut self, selector: &str, files: &[PathBuf]) {
        let root = self.call("DOM.getDocument", json!({}))["root"]["nodeId"].clone();
        let node = self.call("DOM.querySelector", json!({ "nodeId": root, "selector": selector }))["nodeId"].clone();
        self.call("DOM.setFileInputFiles", json!({ "nodeId": node, "files": files }));
    }

    pub fn key(&mut self, key: &str) {
        let code = match key {
            "Tab" => 9,
            "Enter" => 13,
            " " => 32,
            "ArrowRight" => 39,
            _ => panic!("{key}"),
        };
        let text = if key == "Enter" {
            "\r"
        } else if key == " " {
            " "
        } else {
            ""
        };
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code });
            if kind == "keyDown" && !text.is_empty() {
                event["text"] = text.into();
            }
            self.call("Input.dispatchKeyEvent", event);
        }
    }

    pub fn size(&mut self, width: u32, height: u32) {
        let mobile = width < 500;
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile });
        self.call("Emulation.setDeviceMetricsOverride", metrics);
    }

    pub fn scheme(&mut self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.call("Emulation.setEmulatedMedia", json!({ "features": features }));
    }

    /// Where `FERROTYPE_SCREENSHOTS` names a folder, the whole page as a PNG file in it.
    pub fn screenshot(&mut self, name: &str) {
        let Some(folder) = std::env::var_os("FERROTYPE_SCREENSHOTS") else { return };
        std::thread::sleep(Duration::from_millis(300));
        let picture = self.call("Page.captureScreenshot", json!({ "captureBeyondViewport": true }));
        let bytes = STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(Path::new(&folder).join(format!("{name}.png")), bytes).unwrap();
    }

    /// Requests that went elsewhere, errors of the page, and what its policy refused.
    pub fn complaints(&mut self) -> Vec<String> {
        self.events.extend(self.messages.try_iter());
        let own = self.text("location.origin");
        let complaint = |event: &Value| {
            let of = &event["params"];
            match event["method"].as_str()? {
                "Network.requestWillBeSent" => {
                    let url = of["request"]["url"].as_str()?;
                    let is_own =
                        ["data:", "blob:", "about:"].iter().any(|s| url.starts_with(s)) || url.starts_with(&own);
                    (!is_own).then(|| format!("asked {url}"))
                }
                "Runtime.exceptionThrown" => Some(of.to_string()),
                "Runtime.consoleAPICalled" if of["type"] == "error" => Some(of.to_string()),
                // Answers of 4xx are told by the page, and are no errors of its own.
                "Log.entryAdded" if of["entry"]["level"] == "error" && of["entry"]["source"] != "network" => {
                    Some(of.to_string())
                }
                _ => None,
            }
        };
        self.events.iter().filter_map(complaint).collect()
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.input.write_all(b"{\"id\":999999,\"method\":\"Browser.close\"}\0");
        let began = Instant::now();
        while self.child.try_wait().is_ok_and(|ended| ended.is_none()) && began.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
