use super::Running;
use super::client::{FORM, form, get, png, post, raw, request};
use super::mock::{CLASSES, EMPTY};

#[test]
fn the_page_and_its_parts_come_with_their_policy() {
    let server = Running::start();
    let page = get(server.address, "/");
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(page.text().contains("Not for decisions about people"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.contains("default-src 'none'")
            && policy.contains("frame-ancestors 'none'")
            && !policy.contains("unsafe")
    );
    for (path, kind) in [("style.css", "text/css"), ("main.js", "text/javascript"), ("icon.svg", "image/svg+xml")] {
        let part = get(server.address, &format!("/assets/{path}"));
        assert!(part.status == 200 && part.header("content-type").unwrap().starts_with(kind), "{path}");
        assert_eq!(part.header("x-content-type-options"), Some("nosniff"));
    }
    assert!(page.header("access-control-allow-origin").is_none());
}

#[test]
fn a_picture_as_the_body_is_answered_by_all_models() {
    let server = Running::start();
    let answer = post(server.address, "/v1/predict", "image/png", &png(320, 240));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let said = answer.json();
    assert_eq!((&said["format"], said["models"].as_array().unwrap().len()), (&"ferrotype prediction".into(), 2));
    let picture = &said["pictures"][0];
    assert_eq!((&picture["width"], &picture["height"]), (&320.into(), &240.into()));
    let face = &picture["faces"][0];
    let sum: f64 = CLASSES.iter().map(|class| face["heads"]["mood"][class].as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-9);
    let valence = face["heads"]["parts"]["va.valence"].as_f64().unwrap();
    assert!((-1.0..=1.0).contains(&valence));
    assert_eq!(face["box"].as_array().unwrap().len(), 4);
    assert!(face.get("heat_maps").is_none() && face["action_units"]["intensity"]["AU12"] == 3.4);
}

#[test]
fn a_form_has_several_pictures_and_says_what_is_wanted() {
    let server = Running::start();
    let (wide, small) = (png(400, 240), png(EMPTY, 20));
    let body = form(&[
        ("model", None, b"mood"),
        ("heat_map", None, b"true"),
        ("picture", Some("C:\\faces\\a.png"), &wide),
        ("picture", Some("b.png"), &small),
    ]);
    let answer = post(server.address, "/v1/predict", FORM, &body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let said = answer.json();
    assert_eq!((&said["pictures"][0]["name"], &said["pictures"][1]["name"]), (&"a.png".into(), &"b.png".into()));
    let faces = said["pictures"][0]["faces"].as_array().unwrap();
    assert_eq!((faces.len(), said["pictures"][1]["faces"].as_array().unwrap().len()), (2, 0));
    let map = &faces[0]["heat_maps"]["mood"];
    let heads = faces[0]["heads"].as_object().unwrap();
    // The model that was asked, and what a part says by itself.
    assert_eq!((heads.len(), &map["width"], &map["height"]), (2, &24.into(), &24.into()));
    assert_eq!(heads["blendshapes"]["mouthSmileLeft"], 0.8);
    assert_eq!(map["values"].as_str().unwrap().len(), 24 * 24 * 4 / 3);
    let strongest = heads["mood"]
        .as_object()
        .unwrap()
        .iter()
        .max_by(|a, b| a.1.as_f64().unwrap().total_cmp(&b.1.as_f64().unwrap()));
    assert_eq!(map["of"], strongest.unwrap().0.as_str());
}

#[test]
fn what_is_asked_for_wrongly_is_named() {
    let server = Running::start();
    let cases = [
        ("/v1/predict?model=none", 404, "not-found"),
        ("/v1/predict?heat_map=maybe", 400, "bad-request"),
        ("/v1/predict?heatmap=true", 400, "bad-request"),
        ("/v1/nothing", 404, "not-found"),
        ("/v1/runs", 405, "method"),
    ];
    for (path, status, kind) in cases {
        let answer = post(server.address, path, "image/png", &png(20, 20));
        assert_eq!((answer.status, answer.problem().as_str()), (status, kind), "{path}");
    }
    let detail = post(server.address, "/v1/predict?model=none", "image/png", &png(20, 20)).json();
    assert!(detail["detail"].as_str().unwrap().contains("mood, parts"));
}

#[test]
fn it_says_what_it_is_and_how_it_fares() {
    let server = Running::start();
    assert_eq!(get(server.address, "/health").json()["status"], "ok");
    let models = get(server.address, "/v1/models").json();
    assert_eq!(models["models"][1]["heads"][1]["columns"][0], "valence");
    assert_eq!(get(server.address, "/v1/openapi.json").json()["openapi"], "3.1.0");
    post(server.address, "/v1/predict", "image/png", &png(320, 240));
    let metrics = get(server.address, "/metrics").text();
    let line = "ferrotype_requests_seconds_count{method=\"POST\",route=\"/v1/predict\",status=\"200\"} 1";
    assert!(metrics.lines().any(|l| l == line), "{metrics}");
    assert!(metrics.contains("ferrotype_faces_total 2") && metrics.contains("ferrotype_queue_pictures 0"));
}

#[test]
fn pictures_are_kept_only_where_the_user_says() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept");
    let server = Running::with(|options| options.keep = Some(kept.clone()));
    assert_eq!(get(server.address, "/v1/models").json()["keeps"], true);
    let body = form(&[("picture", Some("../../etc/passwd"), &png(20, 20))]);
    assert_eq!(post(server.address, "/v1/predict", FORM, &body).status, 200);
    let names: Vec<String> =
        std::fs::read_dir(&kept).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    assert!(names.len() == 1 && names[0].ends_with(".png") && !names[0].contains("passwd"), "{names:?}");
}

#[test]
fn runs_and_sweeps_are_read_by_their_names() {
    let server = Running::start();
    let list = get(server.address, "/v1/runs").json();
    let names: Vec<&str> = list["runs"].as_array().unwrap().iter().map(|run| run["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["fer-mini_xception", "fer-vgg13", "group/seed-0", "live"]);
    assert!(list["runs"][0].get("folder").is_none() && !list.to_string().contains("/tmp"));
    let run = get(server.address, "/v1/runs/group%2Fseed-0").json();
    assert_eq!((&run["model"], run["history"]["epochs"].as_array().unwrap().len()), (&"micro_exp_net".into(), 8));
    assert_eq!(run["scores"]["test"]["accuracy"]["value"], 0.5912);
    let report = get(server.address, "/v1/runs/fer-vgg13/report");
    assert!(report.text().contains("<h1>fer-vgg13</h1>"));
    assert!(report.header("content-security-policy").unwrap().starts_with("sandbox; default-src 'none'"));
    assert_eq!(get(server.address, "/v1/runs/live/report").status, 404);
    let sweep = get(server.address, "/v1/sweeps/rates").json();
    assert_eq!((sweep["trials"].as_array().unwrap().len(), &sweep["trials"][11]["state"]), (12, &"failed".into()));
}

#[test]
fn a_connection_serves_several_requests_and_head_is_answered() {
    let server = Running::start();
    let head = raw(server.address, &request("HEAD", "/health", &[], &[]));
    assert_eq!((head.status, head.body.len()), (200, 0));
    let two = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert_eq!(raw(server.address, two).text().matches("\"status\":\"ok\"").count(), 2);
}
