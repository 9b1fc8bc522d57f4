use std::time::{Duration, SystemTime};

use harbr_trust::{Identity, Role};

use super::needed;
use crate::caller::{Access, Caller, Certified};

fn proven(role: Role) -> Caller {
    let identity = Identity::new(role, "x").unwrap();
    Caller::Proven(Certified { identity, not_after: SystemTime::now(), valid: Duration::ZERO })
}

#[test]
fn reads_take_a_viewer_and_what_is_not_known_to_be_a_read_takes_an_operator() {
    for (path, expected) in [
        ("/harbr.v1.NodeService/Session", Access::Node),
        ("/harbr.v1.JoinService/Join", Access::Anyone),
        ("/harbr.v1.JoinService/Renew", Access::Node),
        ("/harbr.v1.AdminService/GetStatus", Access::Viewer),
        ("/harbr.v1.AdminService/ListNodes", Access::Viewer),
        ("/harbr.v1.AdminService/WatchRollout", Access::Viewer),
        ("/harbr.v1.AdminService/DrainNodes", Access::Operator),
        ("/harbr.v1.AdminService/getStatus", Access::Operator),
        ("/harbr.v1.AdminService/", Access::Operator),
        ("/harbr.v1.OtherService/GetStatus", Access::Operator),
        ("/grpc.reflection.v1.ServerReflection/ListServices", Access::Operator),
        ("/", Access::Operator),
        ("", Access::Operator),
    ] {
        assert_eq!(needed(path), expected, "{path}");
    }
}

#[test]
fn each_role_may_what_it_is_for() {
    use Access::{Anyone, Node, Operator, Viewer};
    for (caller, allowed) in [
        (Caller::InProcess, &[Anyone, Node, Viewer, Operator][..]),
        (Caller::Unproven, &[Anyone, Node, Viewer, Operator]),
        (Caller::Anonymous, &[Anyone]),
        (proven(Role::Node), &[Anyone, Node]),
        (proven(Role::Viewer), &[Anyone, Viewer]),
        (proven(Role::Operator), &[Anyone, Viewer, Operator]),
        (proven(Role::Controller), &[Anyone]),
    ] {
        for access in [Anyone, Node, Viewer, Operator] {
            assert_eq!(caller.may(access), allowed.contains(&access), "{caller}: {access}");
        }
    }
}
