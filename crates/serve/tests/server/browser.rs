//! The page in a real browser. `FERROTYPE_SCREENSHOTS=FOLDER` keeps what it looked like.

mod chromium;
mod drawn;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use chromium::Chromium;
use drawn::{camera, two_faces};
use ferrotype_needs::needs;

use super::client::{BROKEN, png};
use super::{Running, TOKEN};

/// One browser at a time: each is several processes.
static TURN: Mutex<()> = Mutex::new(());

/// Runs a test with a browser, and looks at what the browser complained of.
fn with_browser(server: &Running, camera: Option<&Path>, test: impl FnOnce(&mut Chromium)) {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut chromium = Chromium::start(camera);
    chromium.size(1280, 900);
    chromium.open(&server.link);
    test(&mut chromium);
    let complaints = chromium.complaints();
    assert!(complaints.is_empty(), "{complaints:#?}");
}

fn file(browser: &Chromium, name: &str, bytes: &[u8]) -> PathBuf {
    let path = browser.folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn wide(browser: &Chromium) -> PathBuf {
    let path = browser.folder.path().join("two.png");
    two_faces(640, 420).save(&path).unwrap();
    path
}

#[needs(chromium)]
#[test]
fn pictures_are_answered_and_chosen_by_keys() {
    let server = Running::start();
    with_browser(&server, None, |b| {
        b.screenshot("faces-empty");
        let files = [wide(b), file(b, "one.png", &png(200, 200))];
        b.choose("#file", &files);
        b.until("document.getElementById('status').textContent.startsWith('2 faces')");
        assert_eq!(b.number("document.querySelectorAll('#overlay .face').length"), 2.0);
        // Two models, what a part says by itself (the weakest of it is left out), action units and pose.
        assert_eq!(b.number("document.querySelectorAll('#said .card').length"), 5.0);
        assert_eq!(b.number("document.querySelectorAll('[aria-label=\"blendshapes\"] tbody tr').length"), 2.0);
        let rows = b.number("document.querySelectorAll('[aria-label=\"Model mood\"] tbody tr').length");
        assert_eq!(rows, 7.0);
        // The box lies over the picture: its middle is where the mock puts it.
        let place = "(() => { const f = document.querySelector('#overlay .frame').getBoundingClientRect(), p = \
                     document.getElementById('still').getBoundingClientRect(); return (f.left + f.width / 2 - p.left) / p.width })()";
        assert!((b.number(place) - 0.3).abs() < 0.02, "{}", b.number(place));
        // From the picture's first face to the second and back by keys.
        b.value("document.querySelector('#overlay [data-face=\"0\"]').focus()");
        b.key("Tab");
        assert_eq!(b.text("document.activeElement.dataset.face"), "1");
        b.key("Enter");
        b.until("document.querySelector('[data-face=\"1\"]').getAttribute('aria-pressed') === 'true'");
        assert_eq!(b.text("document.activeElement.dataset.face"), "1");
        b.click("#heat");
        b.until("document.querySelectorAll('#overlay image').length === 2");
        b.screenshot("faces-picture");
        // One model of two.
        b.click("#models input[value=parts]");
        b.until("document.querySelector('[aria-label=\"Model parts\"]') === null && document.querySelectorAll('#said .card').length > 0");
        b.click("#strip button:nth-child(2)");
        b.until("document.getElementById('status').textContent.startsWith('1 face')");
        assert_eq!(b.number("document.querySelectorAll('#overlay .face').length"), 1.0);
    });
}

#[needs(chromium)]
#[test]
fn what_was_said_is_downloaded() {
    let server = Running::start();
    with_browser(&server, None, |b| {
        let files = [wide(b)];
        b.choose("#file", &files);
        b.until("document.getElementById('status').textContent.startsWith('2 faces')");
        let folder = b.folder.path().join("downloads");
        std::fs::create_dir(&folder).unwrap();
        b.call("Browser.setDownloadBehavior", serde_json::json!({ "behavior": "allow", "downloadPath": folder }));
        for (button, name) in [("#save-json", "faces.json"), ("#save-csv", "faces.csv"), ("#save-picture", "faces.png")]
        {
            b.click(button);
            let began = Instant::now();
            while !folder.join(name).is_file() {
                assert!(began.elapsed() < Duration::from_secs(30), "{name}");
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        let table = std::fs::read_to_string(folder.join("faces.csv")).unwrap();
        assert!(table.starts_with("picture,face,left,top,right,bottom,score,mood.neutral,"), "{table}");
        assert_eq!(table.lines().count(), 3);
        let json: serde_json::Value =
            serde_json::from_slice(&std::fs::read(folder.join("faces.json")).unwrap()).unwrap();
        assert_eq!(json["pictures"][0]["faces"].as_array().unwrap().len(), 2);
        let picture = image::open(folder.join("faces.png")).unwrap();
        assert_eq!((picture.width(), picture.height()), (640, 420));
    });
}

#[needs(chromium)]
#[test]
fn what_goes_wrong_is_said() {
    let server = Running::start();
    with_browser(&server, None, |b| {
        let files = [file(b, "bad.png", b"this is no picture")];
        b.value("window.onerror = null");
        b.choose("#file", &files);
        b.until("document.getElementById('alert').textContent.includes('bad.png')");
        let files = [file(b, "talk.mp4", BROKEN)];
        b.choose("#file", &files);
        b.until("document.getElementById('alert').textContent.includes('ffmpeg knows nothing')");
        b.value("console.clear()");
    });
}

#[needs(chromium, ffmpeg)]
#[test]
fn a_video_has_a_timeline() {
    let server = Running::start();
    with_browser(&server, None, |b| {
        let path = b.folder.path().join("talk.mp4");
        let source = [
            "-f",
            "lavfi",
            "-i",
            "testsrc=size=320x240:rate=25:duration=4.8",
            "-pix_fmt",
            "yuv420p",
            "-loglevel",
            "error",
        ];
        assert!(Command::new("ffmpeg").args(source).arg(&path).status().unwrap().success());
        b.choose("#file", &[path]);
        b.until("document.querySelectorAll('#timeline canvas').length === 14");
        assert!(b.text("document.getElementById('status').textContent").contains("2 persons"));
        b.until("document.getElementById('clip').readyState >= 1");
        // A click in the middle of a row goes there.
        b.value(
            "(() => { const c = document.querySelector('#timeline canvas'), r = c.getBoundingClientRect(); \
             c.dispatchEvent(new MouseEvent('click', { bubbles: true, clientX: r.left + r.width / 2, clientY: r.top + 2 })) })()",
        );
        b.until("Math.abs(document.getElementById('clip').currentTime - 2.3) < 0.2");
        b.until("document.querySelectorAll('#overlay .face').length === 2");
        // The same by keys.
        b.value("document.querySelector('#timeline input').focus()");
        let before = b.number("document.getElementById('clip').currentTime");
        (0..20).for_each(|_| b.key("ArrowRight"));
        b.until(&format!("document.getElementById('clip').currentTime > {before}"));
        b.screenshot("faces-video");
        assert!(b.number("document.querySelectorAll('#more-files button').length") >= 4.0);
        // The annotated video is recorded while it plays.
        let folder = b.folder.path().join("downloads");
        std::fs::create_dir(&folder).unwrap();
        b.call("Browser.setDownloadBehavior", serde_json::json!({ "behavior": "allow", "downloadPath": folder }));
        b.click("#more-files button:last-child");
        let film = folder.join("talk.mp4-annotated.webm");
        let began = Instant::now();
        while !film.is_file() {
            assert!(began.elapsed() < Duration::from_secs(60));
            std::thread::sleep(Duration::from_millis(100));
        }
        assert!(std::fs::read(film).unwrap().starts_with(b"\x1aE\xdf\xa3"));
        // A picture after it has its own downloads again.
        let files = [wide(b)];
        b.choose("#file", &files);
        b.until("document.getElementById('status').textContent.startsWith('2 faces')");
        assert_eq!(b.value("document.getElementById('save-json').hidden"), false);
    });
}

#[needs(chromium)]
#[test]
fn the_webcam_is_looked_at_until_it_is_stopped() {
    let server = Running::start();
    let folder = tempfile::tempdir().unwrap();
    with_browser(&server, Some(&camera(folder.path())), |b| {
        b.click("#webcam");
        b.until("/Webcam: 2 face/.test(document.getElementById('status').textContent)");
        b.until("document.querySelectorAll('#overlay .face').length === 2");
        b.screenshot("faces-webcam");
        b.click("#webcam");
        b.until("document.getElementById('stage').dataset.state === 'empty'");
        assert_eq!(b.text("document.getElementById('webcam').textContent"), "Start webcam");
        // Whoever goes to another view is not filmed there.
        b.click("#webcam");
        b.until("document.getElementById('stage').dataset.state === 'live'");
        b.value("location.hash = '#runs'");
        b.until(
            "document.getElementById('live').srcObject === null || !document.getElementById('live').srcObject.active",
        );
    });
}

#[needs(chromium)]
#[test]
fn runs_are_listed_compared_and_watched() {
    let server = Running::start();
    with_browser(&server, None, |b| {
        b.click("a[href='#runs']");
        b.until("document.querySelectorAll('#view-runs tbody tr').length === 4");
        b.click("[data-key='score:accuracy'] button");
        assert_eq!(b.text("document.querySelector('#view-runs tbody .name').textContent"), "fer-vgg13");
        b.screenshot("runs");
        b.click("[aria-label='Compare fer-vgg13']");
        b.click("[aria-label='Compare fer-mini_xception']");
        b.click("#view-runs button.primary");
        b.until("document.querySelectorAll('#view-runs .chart').length === 3");
        assert!(b.text("document.querySelector('#view-runs tbody').textContent").contains("6.37 points"));
        b.screenshot("runs-compared");
        b.value("location.hash = '#runs/live'");
        b.until("document.querySelector('#view-runs .state-live') !== null && document.querySelectorAll('.chart').length === 3");
        // What is written meanwhile appears.
        let points = "document.querySelectorAll('.charts .chart')[0].querySelectorAll('circle').length";
        let before = b.number(points);
        server.runs.go_on(4);
        b.until(&format!("{points} > {before}"));
        b.screenshot("runs-live");
        b.value("location.hash = '#sweeps/rates'");
        b.until("document.querySelectorAll('#view-sweeps tbody tr').length === 12");
        b.screenshot("sweeps");
    });
}

#[needs(chromium)]
#[test]
fn the_token_is_asked_for_and_taken_out_of_sight() {
    let server = Running::with_token();
    with_browser(&server, None, |b| {
        b.until("document.documentElement.dataset.ready");
        assert_eq!(b.text("location.hash"), "#faces");
        b.value("sessionStorage.clear()");
        let plain = server.link.split('#').next().unwrap().to_owned();
        b.call("Page.navigate", serde_json::json!({ "url": "about:blank" }));
        b.open(&plain);
        b.until("!document.getElementById('token-form').hidden");
        let enter = |b: &mut Chromium, token: &str| {
            b.value(&format!("document.getElementById('token').value = {token:?}"));
            b.click("#token-form button");
        };
        enter(b, "not-this-servers-token");
        b.until("document.getElementById('alert').textContent.includes('not this server')");
        enter(b, TOKEN);
        b.until("!document.getElementById('view-faces').hidden");
        b.value("location.hash = '#runs/live'");
        b.until("document.querySelectorAll('#view-runs .chart').length === 3");
    });
}

#[needs(chromium)]
#[test]
fn every_view_fits_a_phone_light_and_dark() {
    let server = Running::start();
    with_browser(&server, None, |b| {
        b.size(390, 844);
        for scheme in ["light", "dark"] {
            b.scheme(scheme);
            b.value("location.hash = '#faces'");
            let files = [wide(b)];
            b.choose("#file", &files);
            b.until("document.getElementById('status').textContent.startsWith('2 faces')");
            fits(b, &format!("phone-{scheme}-faces"));
            for (view, ready) in [
                ("runs", "document.querySelectorAll('#view-runs tbody tr').length === 4"),
                ("runs/fer-vgg13", "document.querySelectorAll('#view-runs .chart').length === 3"),
                ("sweeps/rates", "document.querySelectorAll('#view-sweeps tbody tr').length === 12"),
                ("about", "document.querySelector('#server dd') !== null"),
            ] {
                b.value(&format!("location.hash = '#{view}'"));
                b.until(ready);
                fits(b, &format!("phone-{scheme}-{}", view.replace('/', "-")));
            }
        }
        b.size(1280, 900);
        b.value("location.hash = '#faces'");
        let files = [wide(b)];
        b.choose("#file", &files);
        b.until("document.getElementById('status').textContent.startsWith('2 faces')");
        b.screenshot("faces-dark");
    });
}

/// Nothing is wider than the screen.
fn fits(b: &mut Chromium, name: &str) {
    b.screenshot(name);
    let wide = "[...document.querySelectorAll('body *')].filter((e) => !e.closest('.scroll, .strip, pre, .visually-hidden, .skip, svg') \
                && e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.outerHTML.slice(0, 80)).join('; ')";
    assert_eq!(b.text(wide), "", "{name}");
    assert!(b.number("document.scrollingElement.scrollWidth") <= 390.0, "{name}");
}

#[needs(chromium, axe)]
#[test]
fn axe_finds_nothing_to_complain_of() {
    let server = Running::start();
    let axe = std::fs::read_to_string(std::env::var("FERROTYPE_AXE").unwrap()).unwrap();
    with_browser(&server, None, |b| {
        let files = [wide(b)];
        b.choose("#file", &files);
        b.until("document.getElementById('status').textContent.startsWith('2 faces')");
        b.value(&format!("{axe}; 0"));
        for scheme in ["light", "dark"] {
            b.scheme(scheme);
            for (view, ready) in [
                ("faces", "!document.getElementById('view-faces').hidden"),
                ("runs", "document.querySelectorAll('#view-runs tbody tr').length === 4"),
                ("runs/live", "document.querySelectorAll('#view-runs .chart').length === 3"),
                ("sweeps", "document.querySelectorAll('#view-sweeps tbody tr').length === 1"),
                ("sweeps/rates", "document.querySelectorAll('#view-sweeps tbody tr').length === 12"),
                ("about", "document.querySelector('#server dd') !== null"),
            ] {
                b.value(&format!("location.hash = '#{view}'"));
                b.until(ready);
                std::thread::sleep(Duration::from_millis(300));
                let found = b.text(
                    "axe.run().then((r) => r.violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.html.slice(0, 120)).join(' | ')}`).join('\\n'))",
                );
                assert_eq!(found, "", "{view}, {scheme}");
            }
        }
    });
}
