using Shouldly;
using Xunit;

namespace Mta.Storage.Tests.Admin;

public sealed class CommentTests
{
    [Fact]
    public async Task Everything_that_an_administrator_may_use_says_what_it_is()
    {
        await using var admin = await AdminFixture.CreateAsync();
        (await admin.Queue.ScalarAsync<string>(
            """
            SELECT coalesce(string_agg(name, ', ' ORDER BY name), '') FROM (
                SELECT p.oid::regprocedure::text FROM pg_proc p
                WHERE p.pronamespace = 'mta'::regnamespace AND p.prorettype <> 'trigger'::regtype AND obj_description(p.oid, 'pg_proc') IS NULL
                    AND p.proname = ANY ('{hold,release,requeue,delete,expire,bounce,flush,flush_all,suspend,resume,suspend_sender,resume_sender,drain_node,undrain_node,remove_node,hold_restored,set_parameter,reset_parameter,submit,submit_begin,submit_append,submit_finish,queue_id,queue_number,queue_time,parameters_of,report_since,queue_floor,received}')
                UNION ALL
                SELECT c.relname FROM pg_class c
                WHERE c.relnamespace = 'mta'::regnamespace AND c.relkind = 'v' AND obj_description(c.oid, 'pg_class') IS NULL) AS undocumented (name)
            """)).ShouldBe("");
    }
}
