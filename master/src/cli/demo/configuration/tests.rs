//! What is written is valid, whatever the flags held.

use super::*;

fn plan() -> Plan {
    Plan {
        dir: "demo".into(),
        repository: None,
        branch: "release/[1]".to_owned(),
        name: "hello".to_owned(),
        commands: vec![
            "echo \"${HOME}\" {a,b} | awk '{print $1}'".to_owned(),
            "make -j{agent.cpus} # {branch}\n\ttrue".to_owned(),
        ],
        product: Some("dist/*.{zip,gz}".to_owned()),
        version: "{describe}".to_owned(),
        web: ([127, 0, 0, 1], 8010).into(),
        once: true,
    }
}

#[test]
fn the_file_is_toml_and_holds_the_commands_as_meant() {
    let text = text(&plan(), "/srv/a \"b\"\\c.git");
    let parsed: toml::Table = text
        .parse()
        .unwrap_or_else(|error| panic!("{error} in {text}"));
    let steps = parsed["builder"]["hello"]["steps"].as_array().unwrap();
    let step = |at: usize, key: &str| steps[at][key].as_str().unwrap().to_owned();
    assert_eq!(
        step(1, "run"),
        "echo \"${HOME}\" {{a,b}} | awk '{{print $1}}'"
    );
    assert_eq!(step(2, "run"), "make -j{agent.cpus} # {{branch}}\n\ttrue");
    assert_eq!(step(3, "product"), "dist/*.{{zip,gz}}");
    assert_eq!(step(3, "version"), "{describe}");
    assert_eq!(step(3, "target"), "{agent.arch}-{agent.os}");
    let repository = &parsed["repository"]["hello"];
    assert_eq!(repository["url"].as_str(), Some("/srv/a \"b\"\\c.git"));
    assert_eq!(repository["branches"][0].as_str(), Some("release/[[]1[]]"));
}
