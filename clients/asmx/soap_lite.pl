# SOAP::Lite in SOAP 1.1 and 1.2. Argument: the base URL of the server.

use strict;
use warnings;
use SOAP::Lite;

my $NS      = 'http://www.ifactorconsulting.com/webservices';
my $DONE    = 'If the username is on file, a new password has been sent to its e-mail address.';
my $REFUSED = 'username is required.';

my $failures = 0;

sub check {
    my ($name, $run) = @_;
    if (eval { $run->(); 1 }) {
        print "ok $name\n";
    } else {
        $failures++;
        chomp(my $reason = $@);
        print "FAIL $name: $reason\n";
    }
}

sub equal {
    my ($actual, $expected) = map { $_ // 'nothing' } @_;
    die "'$actual' instead of '$expected'\n" if $actual ne $expected;
}

my $base_url = shift;
$base_url =~ s{/$}{};

sub reset_user_password {
    my ($version, $username) = @_;
    # Setting the version on an object changes the media type but not the envelope.
    SOAP::Lite->soapversion($version);
    my $client = SOAP::Lite->new(proxy => ["$base_url/webservices/IFCommonService.asmx", timeout => 20])
        ->default_ns($NS)
        # ASMX joins namespace and operation with a slash, SOAP::Lite by default with '#'.
        ->on_action(sub { join '/', @_ });
    my $answer = $client->call(ResetUserPassword => SOAP::Data->name(username => $username)->type(''));
    return ref $answer ? $answer : die $client->transport->status . "\n";
}

for my $version ('1.1', '1.2') {
    check "$version: reset", sub {
        my $answer = reset_user_password($version, 'jdoe');
        equal($answer->valueof('//ResetUserPasswordResponse/ResetUserPasswordResult'), $DONE);
    };
}

check '1.1: empty username', sub {
    my $fault = reset_user_password('1.1', '');
    equal($fault->faultcode,   'soap:Client');
    equal($fault->faultstring, $REFUSED);
};

# faultcode and faultstring only support SOAP 1.1.
check '1.2: empty username', sub {
    my $fault = reset_user_password('1.2', '');
    equal($fault->valueof('//Fault/Code/Value'),  'soap:Sender');
    equal($fault->valueof('//Fault/Reason/Text'), $REFUSED);
};

exit($failures > 0);
