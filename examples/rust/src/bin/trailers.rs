//! Fields behind the content (RFC 9110, 6.5): the sum of the content is only known at its end. Both sides send one.
use flare::InvalidField;
use flare::prelude::*;

fn post_sum(request: &Request) -> Result<Response, InvalidField> {
    let sum = request.body().iter().map(|byte| u32::from(*byte)).fold(0, u32::wrapping_add).to_string();
    if request.trailers().get_str("x-sum") != Some(&sum) {
        return Ok((400, "the trailer x-sum is missing or wrong\n").into_response());
    }
    let mut response = Response::bytes(request.body().to_vec()).with_header("trailer", "x-sum")?;
    response.trailers_mut().append("x-sum", sum)?;
    Ok(response)
}

fn main() -> Result<(), flare::Error> {
    let mut router = Router::new();
    router.post("/sum", post_sum)?;
    flare_examples::run(router)
}
