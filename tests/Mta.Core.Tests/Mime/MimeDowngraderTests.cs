using System.Buffers;
using System.Text;
using CsCheck;
using Mta.Core.Mime;
using MimeKit;
using Shouldly;
using Xunit;

namespace Mta.Core.Tests.Mime;

public sealed class MimeDowngraderTests
{
    public static TheoryData<string> Messages => [.. Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "mail"), "*.eml").Select(path => Path.GetFileName(path))];

    [Theory]
    [MemberData(nameof(Messages))]
    public void Every_part_decodes_to_what_it_was(string file)
    {
        var content = Unix(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "mail", file)));
        var converted = Convert(content, content.Length);
        SameParts(content, converted);
        foreach (var cut in new[] { 1, 7, 4096 })
        {
            Convert(content, cut).ShouldBe(converted);
        }
    }

    [Theory]
    [MemberData(nameof(Messages))]
    public void No_part_claims_8_bit_afterwards(string file)
    {
        var content = Unix(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "mail", file)));
        using var stream = new MemoryStream(Convert(content, 1000));
        foreach (var part in MimeMessage.Load(stream, TestContext.Current.CancellationToken).BodyParts.OfType<MimePart>())
        {
            part.ContentTransferEncoding.ShouldNotBe(ContentEncoding.EightBit);
            part.ContentTransferEncoding.ShouldNotBe(ContentEncoding.Binary);
        }
    }

    [Fact]
    public void Text_becomes_quoted_printable_and_its_header_says_so() =>
        Convert("""
            Subject: x
            Content-Transfer-Encoding: 8bit
            Content-Type: text/plain; charset=utf-8

            Grüße = gut 
            plain

            """).ShouldBe("""
            Subject: x
            Content-Type: text/plain; charset=utf-8
            Content-Transfer-Encoding: quoted-printable

            Gr=C3=BC=C3=9Fe =3D gut=20
            plain

            """);

    [Fact]
    public void Nested_multiparts_and_messages_are_converted_leaf_by_leaf() =>
        Convert("""
            Content-Type: multipart/mixed; boundary="a b"
            Content-Transfer-Encoding: 8bit

            preamble
            --a b
            Content-Type: multipart/alternative; boundary=in
            Content-Transfer-Encoding: binary

            --in

            ascii
            --in
            content-transfer-encoding : 8BIT (comment)

            ä
            --in--
            --a b
            Content-Type: message/rfc822
            Content-Transfer-Encoding: 8bit

            Subject: inner
            Content-Transfer-Encoding: 8bit

            ö
            --a b
            Content-Transfer-Encoding: base64

            w6Q=
            --a b--
            epilogue

            """).ShouldBe("""
            Content-Type: multipart/mixed; boundary="a b"
            Content-Transfer-Encoding: 7bit

            preamble
            --a b
            Content-Type: multipart/alternative; boundary=in
            Content-Transfer-Encoding: 7bit

            --in

            ascii
            --in
            Content-Transfer-Encoding: quoted-printable

            =C3=A4
            --in--
            --a b
            Content-Type: message/rfc822
            Content-Transfer-Encoding: 7bit

            Subject: inner
            Content-Transfer-Encoding: quoted-printable

            =C3=B6
            --a b
            Content-Transfer-Encoding: base64

            w6Q=
            --a b--
            epilogue

            """);

    [Fact]
    public void What_is_encoded_already_is_not_encoded_again()
    {
        const string content = "Content-Transfer-Encoding: quoted-printable\n\na=3Db\n";
        Convert(content).ShouldBe(content);
    }

    [Fact]
    public void Eight_bit_text_that_claims_nothing_is_left_alone()
    {
        const string content = "Subject: x\n\nä\n";
        Convert(content).ShouldBe(content);
    }

    [Fact]
    public void Any_text_comes_back() =>
        Gen.String[Gen.Char["ab =.-\täß\n"], 0, 300].Sample(text =>
        {
            var body = text.Length > 0 && text[^1] != '\n' ? text + "\n" : text;
            var bytes = Encoding.UTF8.GetBytes("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" + body);
            var converted = Convert(bytes, 13);
            converted.ShouldAllBe(b => b < 128);
            Encoding.ASCII.GetString(converted).Split('\n').ShouldAllBe(line => line.Length <= 76);
            using var stream = new MemoryStream(converted);
            var part = (MimePart)MimeMessage.Load(stream).Body!;
            Decoded(part).ShouldBe(Encoding.UTF8.GetBytes(body));
        }, iter: 300);

    [Fact]
    public void A_line_without_end_is_converted_in_bounded_memory()
    {
        var content = Encoding.ASCII.GetBytes("Content-Transfer-Encoding: 8bit\n\n" + new string('x', 100_000) + "\n");
        using var stream = new MemoryStream(Convert(content, 3000));
        Decoded((MimePart)MimeMessage.Load(stream, TestContext.Current.CancellationToken).Body!).Length.ShouldBe(100_001);
    }

    private static void SameParts(byte[] before, byte[] after)
    {
        using var first = new MemoryStream(before);
        using var second = new MemoryStream(after);
        var left = MimeMessage.Load(first).BodyParts.OfType<MimePart>().ToList();
        var right = MimeMessage.Load(second).BodyParts.OfType<MimePart>().ToList();
        right.Count.ShouldBe(left.Count);
        for (var i = 0; i < left.Count; i++)
        {
            right[i].ContentType.MimeType.ShouldBe(left[i].ContentType.MimeType);
            Decoded(right[i]).ShouldBe(Decoded(left[i]));
        }
    }

    private static byte[] Decoded(MimePart part)
    {
        using var stream = new MemoryStream();
        part.Content?.DecodeTo(stream);
        return stream.ToArray();
    }

    private static byte[] Unix(byte[] content) => Encoding.Latin1.GetBytes(Encoding.Latin1.GetString(content).Replace("\r\n", "\n", StringComparison.Ordinal));

    private static string Convert(string content) => Encoding.UTF8.GetString(Convert(Encoding.UTF8.GetBytes(content), 5));

    private static byte[] Convert(byte[] content, int cut)
    {
        var downgrader = new MimeDowngrader(100);
        var output = new ArrayBufferWriter<byte>();
        for (var at = 0; at < content.Length; at += cut)
        {
            downgrader.Write(content.AsSpan(at, Math.Min(cut, content.Length - at)), output);
        }

        downgrader.Complete(output);
        return output.WrittenSpan.ToArray();
    }
}
