import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.StringReader;
import java.net.HttpURLConnection;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Document;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

/** The JDK's own HttpURLConnection and XML parser over all four bindings. Argument: the base URL of the server. */
public class JdkClient {
    static final String NS = "http://www.ifactorconsulting.com/webservices";
    static final String SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/";
    static final String SOAP12 = "http://www.w3.org/2003/05/soap-envelope";
    static final String DONE = "If the username is on file, a new password has been sent to its e-mail address.";
    static final String REFUSED = "username is required.";

    static int failures = 0;

    interface Run {
        void run() throws Exception;
    }

    static void check(String name, Run run) {
        try {
            run.run();
            System.out.println("ok " + name);
        } catch (Exception error) {
            failures++;
            System.out.println("FAIL " + name + ": " + error.toString().replaceAll("[\\r\\n]+", " "));
        }
    }

    static void equal(Object actual, Object expected) throws IOException {
        if (!expected.equals(actual)) {
            throw new IOException("'" + actual + "' instead of '" + expected + "'");
        }
    }

    static HttpURLConnection connect(String url) throws IOException {
        HttpURLConnection connection = (HttpURLConnection) new URL(url).openConnection();
        connection.setConnectTimeout(20_000);
        connection.setReadTimeout(20_000);
        return connection;
    }

    static void post(HttpURLConnection connection, String contentType, String body) throws IOException {
        connection.setRequestMethod("POST");
        connection.setRequestProperty("Content-Type", contentType);
        connection.setDoOutput(true);
        try (OutputStream out = connection.getOutputStream()) {
            out.write(body.getBytes(StandardCharsets.UTF_8));
        }
    }

    static String body(HttpURLConnection connection, int status, String contentType) throws IOException {
        equal(connection.getResponseCode(), status);
        equal(connection.getContentType(), contentType);
        try (InputStream in = status < 400 ? connection.getInputStream() : connection.getErrorStream()) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    static String element(String xml, String namespace, String name) throws Exception {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        Document document = factory.newDocumentBuilder().parse(new InputSource(new StringReader(xml)));
        NodeList elements = document.getElementsByTagNameNS(namespace, name);
        equal(elements.getLength(), 1);
        return elements.item(0).getTextContent();
    }

    static String envelope(String namespace, String username) {
        return "<?xml version='1.0' encoding='UTF-8'?><e:Envelope xmlns:e='" + namespace + "'><e:Header/><e:Body>"
            + "<n:ResetUserPassword xmlns:n='" + NS + "'><n:username>" + username + "</n:username></n:ResetUserPassword>"
            + "</e:Body></e:Envelope>";
    }

    static HttpURLConnection soap11(String url, String username) throws IOException {
        HttpURLConnection connection = connect(url);
        connection.setRequestProperty("SOAPAction", "\"" + NS + "/ResetUserPassword\"");
        post(connection, "text/xml; charset=utf-8", envelope(SOAP11, username));
        return connection;
    }

    static HttpURLConnection soap12(String url, String username) throws IOException {
        HttpURLConnection connection = connect(url);
        post(connection, "application/soap+xml; charset=utf-8; action=\"" + NS + "/ResetUserPassword\"", envelope(SOAP12, username));
        return connection;
    }

    static HttpURLConnection httpGet(String url, String username) throws IOException {
        return connect(url + "/ResetUserPassword?username=" + username);
    }

    static HttpURLConnection httpPost(String url, String username) throws IOException {
        HttpURLConnection connection = connect(url + "/ResetUserPassword");
        post(connection, "application/x-www-form-urlencoded", "username=" + username);
        return connection;
    }

    public static void main(String[] arguments) {
        String url = arguments[0].replaceAll("/$", "") + "/webservices/IFCommonService.asmx";
        String textXml = "text/xml; charset=utf-8";
        String soapXml = "application/soap+xml; charset=utf-8";
        String plain = "text/plain; charset=utf-8";

        check("SOAP 1.1: reset", () ->
            equal(element(body(soap11(url, "jdoe"), 200, textXml), NS, "ResetUserPasswordResult"), DONE));
        check("SOAP 1.1: empty username", () ->
            equal(element(body(soap11(url, ""), 500, textXml), null, "faultstring"), REFUSED));
        check("SOAP 1.2: reset", () ->
            equal(element(body(soap12(url, "jdoe"), 200, soapXml), NS, "ResetUserPasswordResult"), DONE));
        check("SOAP 1.2: empty username", () ->
            equal(element(body(soap12(url, ""), 500, soapXml), SOAP12, "Text"), REFUSED));
        check("HTTP GET: reset", () ->
            equal(element(body(httpGet(url, "jdoe"), 200, textXml), NS, "string"), DONE));
        check("HTTP GET: empty username", () ->
            equal(body(httpGet(url, ""), 500, plain), REFUSED + "\r\n"));
        check("HTTP POST: reset", () ->
            equal(element(body(httpPost(url, "jdoe"), 200, textXml), NS, "string"), DONE));
        check("HTTP POST: empty username", () ->
            equal(body(httpPost(url, ""), 500, plain), REFUSED + "\r\n"));

        System.exit(failures > 0 ? 1 : 0);
    }
}
