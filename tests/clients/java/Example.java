import certsvc.ApiClient;
import certsvc.ApiException;
import certsvc.api.EnrollmentsApi;
import certsvc.model.CertificateIssuedWebhook;
import certsvc.model.Enrollment;
import certsvc.model.EnrollmentRequest;

/** How the generated client is used; it is compiled with it. */
public final class Example {
    private Example() {}

    static Enrollment enroll(String key) throws ApiException {
        var api = new EnrollmentsApi(new ApiClient()
            .setScheme("http").setHost("127.0.0.1").setPort(8000)
            .setRequestInterceptor(request -> request.header("Authorization", "Bearer " + key)));
        var request = new EnrollmentRequest().certification("forklift").learnerId("u-17");
        return api.enrollLearner(request, "order-1");
    }

    static String numberOf(CertificateIssuedWebhook delivery) {
        return delivery.getData().getData().getCertificate().getNumber();
    }
}
